/**
 * How an agent proves itself: each request is signed with its Ed25519 key, so nothing that could be used again ever crosses the wire.
 *
 *   Authorization: Dray-Agent agent=<workspace>/<id>,time=<ms>,nonce=<base64url>,signature=<base64url>
 *
 * What is signed is, by lines: `dray-agent-1`, the method, the host, the path with its query, the time, the nonce, and the SHA-256 of the body
 * in hexadecimal digits (nothing where there is no body). A body's digest travels beside it (`x-dray-sha256`), so that a signature is checked
 * before a long body is read.
 */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { randomText } from '../octets.ts'
import { isSigned, type KeyPair, sign } from './keys.ts'

const scheme = 'dray-agent-1'

/** How far the clocks of an agent and the control plane may be apart, in ms. */
export const maxSkewMs = 90_000

export const digestHeader = 'x-dray-sha256'
/** In the answer to a request whose time is too far off: the control plane's (ms since the epoch). */
export const timeHeader = 'x-dray-time'

/** Who an agent is, wherever. */
export interface AgentName {
  readonly workspace: string
  readonly agent: string
}

/** What is signed of a request. */
export interface Signable {
  readonly method: string
  readonly url: URL
  /** SHA-256 of the body, in hexadecimal digits; empty without one. */
  readonly digest: string
}

const proofSchema = z.object({
  workspace: idSchema,
  agent: idSchema,
  /** ms since the epoch, by the agent's clock as it has corrected it. */
  time: z.coerce.number().int().positive(),
  nonce: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})
export type Proof = z.infer<typeof proofSchema>

const form = /^Dray-Agent agent=([^,/]+)\/([^,/]+),time=(\d{1,15}),nonce=([^,]+),signature=([^,]+)$/

const textOf = ({ method, url, digest }: Signable, time: number, nonce: string): string =>
  [scheme, method, url.host, `${url.pathname}${url.search}`, time, nonce, digest].join('\n')

/** The value of `Authorization`. `time`: ms since the epoch. */
export async function signRequest(
  request: Signable,
  { workspace, agent }: AgentName,
  pair: KeyPair,
  time: number,
): Promise<string> {
  const nonce = randomText(16)
  const signature = await sign(textOf(request, time, nonce), pair)
  return `Dray-Agent agent=${workspace}/${agent},time=${time},nonce=${nonce},signature=${signature}`
}

/** Null where it is no proof of this form. */
export function parseProof(authorization: string): Proof | null {
  const [, workspace, agent, time, nonce, signature] = form.exec(authorization) ?? []
  return proofSchema.safeParse({ workspace, agent, time, nonce, signature }).data ?? null
}

/** Whether whoever has the private half of `publicKey` asks for just this. Says nothing of time and replay. */
export const isProof = (request: Signable, proof: Proof, publicKey: string): Promise<boolean> =>
  isSigned(textOf(request, proof.time, proof.nonce), proof.signature, publicKey)
