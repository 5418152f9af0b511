/** Whether nobody is signed in any more, as the control plane says; and the ways out and back in. */
import { machineToken } from '../machine-token.ts'

let isOut = false
const listeners = new Set<() => void>()

/** The control plane knows the caller no more (401). */
export function lostSession(): void {
  isOut = true
  for (const listener of listeners) listener()
}

export const hasLostSession = (): boolean => isOut
export function watchSession(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** To the sign-in, and back to the page that is shown. */
export const wayBack = (): string =>
  `/sign-in?next=${encodeURIComponent(`${location.pathname}${location.search}`)}`

/** Ends the session; in a tab that speaks for the machine, forgets its token. Throws where it was refused. */
export async function signOut(): Promise<void> {
  if (machineToken() === null) {
    const { anything, ask } = await import('../entry/ask.ts')
    await ask('POST', '/sign-out', anything)
  }
  sessionStorage.removeItem('token')
  location.assign('/sign-in')
}
