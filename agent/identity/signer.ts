/** Signs an agent's requests, by the control plane's clock as far as it is known: the plane tells its time where ours is too far off. */
import { digestHeader, maxSkewMs, signRequest } from '../../shared/identity/signature.ts'
import type { Identity } from './identity.ts'

export type Signing = Pick<Identity, 'workspace' | 'agent' | 'signing'>

export interface Signer {
  /** What to send along. `digest`: SHA-256 of the body in hexadecimal digits; empty without one. */
  headers(method: string, url: URL, digest?: string): Promise<Record<string, string>>
  /** The time that an answer told (ms, or nothing): whether the clock was corrected by it, so that it is worth trying again. */
  hear(time: string | null | undefined): boolean
  /** The plane's time for one of ours, in ms. */
  at(ours: number): number
}

export function createSigner({ workspace, agent, signing }: Signing, now: () => number = Date.now): Signer {
  /** Milliseconds that the plane is ahead. */
  let offset = 0
  return {
    async headers(method, url, digest = '') {
      const authorization = await signRequest(
        { method, url, digest },
        { workspace, agent },
        signing,
        Math.round(now() + offset),
      )
      return { authorization, ...(digest !== '' && { [digestHeader]: digest }) }
    },
    hear(time) {
      const told = Number(time ?? Number.NaN)
      if (!Number.isFinite(told)) return false
      const before = offset
      offset = told - now()
      return Math.abs(offset - before) > maxSkewMs / 2
    },
    at: (ours) => Math.round(ours + offset),
  }
}
