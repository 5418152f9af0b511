/** How long to wait before a socket is opened again: exponential with full jitter, so that a fleet does not return in step. */

/** Milliseconds. The cap of the first pause, and of the longest. */
export const firstPause = 250
export const longestPause = 15_000
/** Where the plane cannot be reached: trying costs it nothing, and a network that is back is to be used at once. */
export const longestUnreached = 4_000
/** A connection that lived so long was a good one: counting begins anew. */
export const goodLife = 10_000

/** `failures` in a row so far, this one included (1, 2, …); `random` in [0, 1). */
export function pauseAfter(failures: number, random: number, longest = longestPause): number {
  return random * Math.min(longest, firstPause * 2 ** Math.min(failures - 1, 16))
}

/** Where trying soon is no use (wrong token, no such migration): near the longest, never none. */
export function slowPause(random: number): number {
  return longestPause * (0.5 + random / 2)
}

/** Failures in a row after a connection that lived for `lived` milliseconds. */
export function failuresAfter(failures: number, lived: number): number {
  return lived >= goodLife ? 1 : failures + 1
}
