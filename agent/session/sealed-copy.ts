/** Fetches the copy of a connection's secret that is sealed to this agent. */
import { DrayError } from '../../shared/error.ts'
import type { Signer } from '../identity/signer.ts'

export interface FetchCopyOptions {
  /** Of the control plane; its path ends in `/`. */
  url: URL
  signer: Signer
}

/** Another agent may have to be asked for it. */
const answerMs = 30_000

/** The function throws `bad-credentials` where there is none for this agent, as yet. */
export function createFetchCopy({ url, signer }: FetchCopyOptions) {
  return async function fetchCopy(connection: string): Promise<{ version: number; envelope: string }> {
    // Whoever uses no sealed connection does without.
    const { fetchSealed } = await import('../../shared/api/connections.ts')
    const { planeCall } = await import('./plane-call.ts')
    const params = { connection }
    try {
      return await planeCall(url, signer, fetchSealed, { params }, AbortSignal.timeout(answerMs))
    } catch (error) {
      if (!(error instanceof DrayError) || error.code !== 'not-found') throw error
      const { op, message, hint } = error
      throw new DrayError('bad-credentials', op, message, { retry: 'later', hint, cause: error })
    }
  }
}
