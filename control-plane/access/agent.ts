/** Which agent signed a request (shared/identity/signature.ts). Whether it signed it for the first time is for the objects to say (door.ts). */
import * as z from 'zod'
import { certificateSchema } from '../../shared/identity/certificate.ts'
import { keySchema } from '../../shared/identity/keys.ts'
import { digestHeader, isProof, maxSkewMs, parseProof, timeHeader } from '../../shared/identity/signature.ts'
import { sha256 } from '../../shared/octets.ts'
import { type Env, localWorkspace, publicOrigin } from '../env.ts'
import { Refusal } from '../routes/problem.ts'
import { Agents, type LocalAgent } from '../store/agents.ts'
import type { AgentCaller } from './caller.ts'

const localSchema = z.strictObject({
  agent: z.string(),
  site: z.string(),
  signing: keySchema,
  sealing: keySchema,
  rootKey: keySchema,
  certificate: certificateSchema,
})

/** As it was last parsed: a binding does not change. */
let parsed: { text: string; agent: LocalAgent } | null = null

/** The agent of an embedded control plane; null where it is none. */
export function localAgent({ DRAY_LOCAL_AGENT: text }: Env): LocalAgent | null {
  if (!text) return null
  if (parsed?.text !== text) parsed = { text, agent: localSchema.parse(JSON.parse(text)) }
  return parsed.agent
}

/** Throws where the request is not signed by an agent that may work here. */
export async function agentOf(env: Env, request: Request, authorization: string): Promise<AgentCaller> {
  const proof = parseProof(authorization)
  if (!proof) throw unknown('the agent’s signature is not of a form that is known here')
  const { workspace, agent: id, nonce, time } = proof
  const known = await keysOf(env, workspace, id)
  if (!known) throw unknown(`there is no agent ${id} in ${workspace}`)
  const digest = request.headers.get(digestHeader) ?? ''
  if (!(await isSigned(env, request, proof, known.signing, digest))) {
    throw unknown('the agent’s signature does not fit this request')
  }
  if (known.revoked) {
    throw new Refusal(
      410,
      'access-denied',
      `the agent ${id} is revoked`,
      'Let it join again, with a new state directory and a new join token.',
    )
  }
  const now = Date.now()
  if (Math.abs(now - time) > maxSkewMs) {
    throw new Refusal(
      401,
      'clock-skew',
      `the request was signed at ${new Date(time).toISOString()}, and here it is ${new Date(now).toISOString()}`,
      'Set the clock of the agent’s machine.',
      { [timeHeader]: String(now) },
    )
  }
  return { kind: 'agent', id, workspace, site: known.site, nonce, digest }
}

async function keysOf(
  env: Env,
  workspace: string,
  id: string,
): Promise<{ signing: string; site: string; revoked: boolean } | null> {
  const local = workspace === localWorkspace ? localAgent(env) : null
  if (local?.agent === id) return { signing: local.signing, site: local.site, revoked: false }
  const row = await Agents.of(env, workspace).find(id)
  return row && { signing: row.signing, site: row.site, revoked: row.revokedAt !== null }
}

/** A proxy in front may have another name for us than the one that the agent signed. */
async function isSigned(
  env: Env,
  request: Request,
  proof: Parameters<typeof isProof>[1],
  key: string,
  digest: string,
): Promise<boolean> {
  const url = new URL(request.url)
  const { method } = request
  if (await isProof({ method, url, digest }, proof, key)) return true
  const host = new URL(publicOrigin(env, request)).host
  if (host === url.host) return false
  url.host = host
  return isProof({ method, url, digest }, proof, key)
}

/** The body that an agent sent is the one that it signed. */
export async function holdTo(digest: string, text: string): Promise<void> {
  if ((text === '' ? '' : await sha256(text)) === digest) return
  throw unknown('the agent’s signature is of another body')
}

const unknown = (detail: string) =>
  new Refusal(
    401,
    'bad-credentials',
    detail,
    'An agent is known by the identity in its state directory (dray agent show); a proxy in between must pass on the Host header.',
  )
