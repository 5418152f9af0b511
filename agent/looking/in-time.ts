/** Somebody waits for each answer: it comes in time, or it is a refusal that says what to do. */
import { DrayError } from '../../shared/error.ts'

/** Milliseconds; the plane waits a little longer (fleet.ts). */
export const answerMs = { look: 20_000, preflight: 25_000 } as const

/** `act`, which is told to end after `ms`, and is not waited for then: a mount whose server is gone ends nothing. */
export async function inTime<T>(
  ms: number,
  op: string,
  act: (signal: AbortSignal) => Promise<T>,
  hint = 'Check the way from the agent to it and try again, or look at a folder further down.',
): Promise<T> {
  const ending = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `There was no answer in ${ms / 1000} s.`
      reject(new DrayError('timeout', op, message, { retry: 'later', hint }))
      ending.abort()
    }, ms)
  })
  const acting = act(ending.signal)
  // Nobody waits for it any more where it is late.
  acting.catch(() => {})
  try {
    return await Promise.race([acting, late])
  } finally {
    clearTimeout(timer)
  }
}
