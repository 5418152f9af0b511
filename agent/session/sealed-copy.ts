/** Fetches the copy of a connection's secret that is sealed to this agent. */
import { DrayError } from '../../shared/error.ts'
import { timeHeader } from '../../shared/identity/signature.ts'
import type { Signer } from '../identity/signer.ts'

export interface FetchCopyOptions {
  /** Of the control plane; its path ends in `/`. */
  url: URL
  signer: Signer
}

export type SealedCopy = { version: number; envelope: string }

/** Another agent may have to be asked for it. */
const answerMs = 30_000

/** The function throws `not-found` where there is none for this agent. */
export function createFetchCopy({ url: base, signer }: FetchCopyOptions) {
  async function ask(url: URL, op: string): Promise<Response> {
    try {
      const headers = await signer.headers('GET', url)
      return await fetch(url, { headers, signal: AbortSignal.timeout(answerMs) })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new DrayError('unreachable', op, `The control plane did not give the secret: ${why}.`, {
        retry: 'later',
        cause,
      })
    }
  }

  return async function fetchCopy(connection: string): Promise<SealedCopy> {
    const op = `fetch the secret of ${connection}`
    const url = new URL(`agent/connections/${encodeURIComponent(connection)}`, base)
    let response = await ask(url, op)
    if (!response.ok && signer.hear(response.headers.get(timeHeader))) response = await ask(url, op)
    const document: unknown = await response.json().catch(() => null)
    // Whoever uses no sealed connection does without.
    const { fetchSealed } = await import('../../shared/api/connections.ts')
    const { problemSchema } = await import('../../shared/api/migrations.ts')
    if (response.ok) {
      const parsed = fetchSealed.answer.safeParse(document)
      if (parsed.success) return parsed.data
      throw new DrayError('protocol', op, 'The control plane’s answer is not understood.')
    }
    const said = problemSchema.safeParse(document).data
    const soon = response.status >= 500 || response.status === 429
    throw new DrayError(
      said?.code ?? 'server-error',
      op,
      said ? `${said.detail}.` : `The control plane answered ${response.status}.`,
      { retry: soon || response.status === 404 ? 'later' : 'never', hint: said?.hint ?? null },
    )
  }
}
