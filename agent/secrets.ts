/**
 * The secrets of connections that are sealed to this agent: fetched when a location needs them, opened with the key that never leaves this
 * machine, kept in memory alone.
 *
 * The control plane that hands them out need not be trusted: a secret opens only for this agent's own workspace and site, and for the connection
 * and the endpoint that the location names; and it is sealed again to nobody whom the root key that this agent was joined under does not certify.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ask } from '../shared/asks.ts'
import type { Binding } from '../shared/envelope.ts'
import { DrayError } from '../shared/error.ts'
import { isCertified } from '../shared/identity/certificate.ts'
import type { S3Location } from '../shared/location.ts'
import { type S3Keys, s3KeysSchema } from '../shared/s3-keys.ts'
import type { Identity } from './identity/identity.ts'
import type { SealedKeys } from './storage/s3/access.ts'

/** Of whom they are. */
export type Sealing = Pick<Identity, 'workspace' | 'site' | 'sealing' | 'rootKey'>

export interface SecretsOptions {
  readonly of: Sealing
  /** Its own copy, from the control plane. Throws `not-found` where there is none. */
  fetchCopy(connection: string): Promise<{ version: number; envelope: string }>
  readonly now?: () => number
  pause?(ms: number): Promise<void>
}

export interface Secrets {
  readonly keys: SealedKeys
  /** The envelope for another agent of this site. Throws `access-denied` where it is not certified. */
  reseal(ask: Ask & { kind: 'reseal' }): Promise<string>
}

/** Where keys that were fetched anew are refused too, others are asked for no more often than this, in ms. */
const pauseMs = 1_000
/** Whoever opens a location later than this (ms) asks whether there are others meanwhile. */
const freshMs = 60_000

interface Kept {
  readonly at: number
  /** When they were, or are to be, fetched because others were refused. */
  readonly anewAt: number
  readonly keys: Promise<S3Keys>
}

export function openSecrets(options: SecretsOptions): Secrets {
  const { of: holder, now = Date.now, pause = sleep } = options
  const { workspace, site } = holder
  const kept = new Map<string, Kept>()

  async function opened(
    connection: string,
    endpoint: string | null,
  ): Promise<{ version: number; text: string }> {
    const { version, envelope } = await options.fetchCopy(connection)
    const binding: Binding = { workspace, site, connection, endpoint }
    const { open } = await import('../shared/seal.ts')
    try {
      return { version, text: await open(envelope, holder.sealing.private, binding) }
    } catch (cause) {
      throw new DrayError(
        'bad-credentials',
        `open the secret of ${connection}`,
        `The secret of the connection "${connection}" does not open for ${endpoint ?? 'AWS'} at site ${site}: it was sealed for another place, or to another key.`,
        { hint: `Seal it again: dray connection seal ${connection}.`, cause },
      )
    }
  }

  async function keysOf(connection: string, endpoint: string | null): Promise<S3Keys> {
    const { text } = await opened(connection, endpoint)
    const parsed = s3KeysSchema.safeParse(jsonOf(text))
    if (parsed.success) return parsed.data
    // What it is instead is nobody's business.
    throw new DrayError(
      'bad-credentials',
      `open the secret of ${connection}`,
      `The secret of the connection "${connection}" is no access key.`,
      { hint: `Seal one: dray connection seal ${connection}.` },
    )
  }

  return {
    keys({ connection, endpoint }: S3Location, afresh: boolean) {
      if (connection === undefined) throw new Error('a sealed location names its connection')
      const name = JSON.stringify([connection, endpoint])
      const before = kept.get(name)
      const isFresh = before !== undefined && now() - before.at < freshMs
      // What is being waited for is newer than what was refused, too.
      if (before && (before.anewAt > now() || (isFresh && !afresh))) return before.keys
      const wait = before && afresh ? Math.max(0, before.anewAt + pauseMs - now()) : 0
      const fetched = () => keysOf(connection, endpoint)
      const fresh: Kept = {
        at: now() + wait,
        anewAt: before && afresh ? now() + wait : Number.NEGATIVE_INFINITY,
        keys: (wait > 0 ? pause(wait).then(fetched) : fetched()).catch((error) => {
          // Those that there are may well be good yet.
          if (before && error instanceof DrayError && error.code === 'unreachable') return before.keys
          throw error
        }),
      }
      kept.set(name, fresh)
      fresh.keys.catch(() => {
        if (kept.get(name) === fresh) kept.delete(name)
      })
      return fresh.keys
    },

    async reseal({ connection, endpoint, version, agent, certificate }) {
      const { signing, sealing } = certificate
      const expected = { workspace, site, agent, signing, sealing }
      if (!(await isCertified(expected, certificate, holder.rootKey))) {
        throw new DrayError(
          'access-denied',
          `seal ${connection} to ${agent}`,
          `The root key of site ${site} does not certify that these keys are those of agent ${agent}.`,
          { hint: 'Let the site’s own root key certify the agent: dray site certify.' },
        )
      }
      const held = await opened(connection, endpoint)
      if (held.version !== version) {
        throw new DrayError(
          'stale',
          `seal ${connection} to ${agent}`,
          `This agent has version ${held.version} of the secret, not ${version}.`,
          { retry: 'later' },
        )
      }
      const { seal } = await import('../shared/seal.ts')
      return seal(held.text, sealing, { workspace, site, connection, endpoint })
    },
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
