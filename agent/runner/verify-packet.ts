/**
 * One verify packet: what the listings could not settle at the asked depth is read and compared, and every difference is
 * named. It changes nothing, and believes no baseline.
 */
import type { Evidence } from '../../shared/counts.ts'
import { DrayError, toDrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { type Decision, decide } from '../core/decide.ts'
import { isSameMetadata } from '../core/same-metadata.ts'
import { differingProperties } from '../core/same-properties.ts'
import { prove } from '../prove.ts'
import type { Entry } from '../storage/storage.ts'
import type { Job } from './copy-packet.ts'
import { eachUntilYield, nothingHeld } from './each.ts'
import type { Pass } from './pass.ts'
import { countSame, keyOf, makePlan, type Todo } from './plan.ts'
import { isGone, isSideTrouble, unreadable } from './trouble.ts'

/** Of one object, the first included. */
const tries = 4

/** How far the packet has come, in key order. Throws where it could not be worked on as a whole. */
export async function verifyPacket(job: Job): Promise<Key | null> {
  const plan = await makePlan(job)
  const through = await eachUntilYield(job, plan.todo, plan.through, keyOf, nothingHeld, (todo, within) =>
    verifyOne(job, todo, within),
  )
  countSame(job.tally, plan.same, through)
  return through
}

async function verifyOne(job: Job, todo: Todo, signal: AbortSignal): Promise<void> {
  if (todo.is !== 'unknown') {
    settle(job, todo)
    return
  }
  const { tally } = job
  let decision: Decision = todo
  for (let tried = 1; ; tried++) {
    try {
      if (decision.is !== 'unknown') {
        settle(job, decision)
        return
      }
      const finding = await compare(job, decision, signal)
      if (finding.is === 'equal') {
        tally.same(decision.source, finding.evidence)
        if (decision.isSampled) tally.sampled()
        return
      }
      // What differs may only have changed since it was listed: look at it again, as it is now.
      const now = await lookAgain(job, decision.source.key, signal)
      if (hasLeft(now)) return vanish(job, todo.source, signal)
      if (tried >= tries || isStill(decision, now)) {
        tally.failed(todo.source, { code: 'differs', message: finding.message }, 'differs')
        return
      }
      decision = now
    } catch (thrown) {
      const error = toDrayError(thrown, 'verify')
      if (error.code === 'interrupted') throw error
      if (await isSideTrouble(error, job.pass, todo.source.key, signal)) throw error
      const hasMoved = error.code === 'not-found' || error.code === 'changed'
      if (tried >= tries || !hasMoved) {
        // Requests and bodies have had their tries already (storage/retry.ts, prove.ts).
        tally.failed(todo.source, error)
        return
      }
      decision = await lookAgain(job, todo.source.key, signal)
      if (hasLeft(decision)) return vanish(job, todo.source, signal)
    }
  }
}

/** Throws where it only seems so, since the side is in trouble. */
async function vanish({ pass, tally }: Job, source: Entry, signal: AbortSignal): Promise<void> {
  if (await isGone(pass.source, source.key, signal)) return tally.vanished(source)
  tally.failed(source, unreadable(source.key))
}

const hasLeft = (decision: Decision) => decision.is === 'left' || decision.is === 'destination-only'

/** Whether both sides are what was compared. */
const isStill = (compared: Unknown, now: Decision) =>
  now.is === 'unknown' &&
  now.source.token === compared.source.token &&
  now.destination.token === compared.destination.token

function settle(job: Job, decision: Decision): void {
  const { tally } = job
  switch (decision.is) {
    case 'left':
    case 'kept':
      break
    case 'same':
      tally.same(decision.source, decision.evidence)
      break
    case 'refused':
      tally.refused(decision.source)
      break
    case 'no-object':
      tally.skipped(decision.source, decision.source.kind === 'symlink' ? 'symlink' : 'special-file')
      break
    case 'source-only':
      tally.failed(decision.source, { code: 'missing', message: 'It is not at the destination.' }, 'missing')
      break
    case 'destination-only':
      tally.extra(decision.destination)
      break
    case 'differs':
      tally.failed(decision.source, { code: 'differs', message: difference(decision, job) }, 'differs')
      break
    case 'unknown':
    case 'touched':
    case 'conflict':
      throw new DrayError('internal', 'verify', 'An object was left undecided.')
    default:
      decision satisfies never
  }
}

function difference(
  { source, destination }: { source: Entry; destination: Entry },
  { pass: { options } }: Job,
): string {
  if (source.size !== destination.size)
    return `It has ${source.size} bytes at the source and ${destination.size} at the destination.`
  return options.depth === 'listing' ? otherToken : otherContent
}

/** Under customers' or KMS keys an ETag says nothing of the content. */
const otherToken = 'Its ETag is another at the destination; --depth checksum tells whether its content is.'

const otherContent = 'Its content is another at the destination.'

type Unknown = Extract<Decision, { is: 'unknown' }>
type Finding = { is: 'equal'; evidence: Evidence } | { is: 'other'; message: string }

async function compare(job: Job, decision: Unknown, signal: AbortSignal): Promise<Finding> {
  const { pass, tally } = job
  const { source, destination } = decision
  const { depth } = pass.options
  const deps = { source: pass.source, destination: pass.destination, read: tally.moved }
  const { same } = await prove(deps, source, destination, decision.isSampled ? 'full' : depth, signal)
  if (same === null) return { is: 'other', message: otherContent }
  const isEqual = depth !== 'full' || (await metadataIsEqual(pass, source.key, signal))
  if (isEqual) return { is: 'equal', evidence: same }
  return {
    is: 'other',
    message: 'Its headers, user metadata, tags or redirect are others at the destination.',
  }
}

async function lookAgain({ pass, observed }: Job, key: Key, signal: AbortSignal): Promise<Decision> {
  const [source, destination] = await Promise.all([
    pass.source.head(key, signal),
    pass.destination.head(key, signal),
  ])
  const pair = { key, source: source?.entry ?? null, destination: destination?.entry ?? null }
  observed?.again(pair)
  return decide(pair, null, pass.sight)
}

/**
 * A file system keeps no metadata, so only two stores that do can differ in it. Classes, locks and encryption are no part of it:
 * they change in the life of an object.
 */
export async function metadataIsEqual(pass: Pass, key: Key, signal: AbortSignal): Promise<boolean> {
  const { source, destination, fidelity, options } = pass
  if (source.kind === 'file' || destination.kind === 'file') return true
  const [from, to] = await Promise.all([source.head(key, signal), destination.head(key, signal)])
  if (!from || !to)
    throw new DrayError('not-found', 'HEAD', 'It has gone since it was listed.', { retry: 'now' })
  const wanted = await fidelity.carry(from, signal)
  fidelity.lossesOf(key)
  const asked = { tags: options.fidelity.tags === 'keep', acl: false }
  const found = (await destination.describe?.(to, asked, signal)) ?? to.metadata
  const differs = differingProperties(wanted.properties, found.properties)
  const areTags = asked.tags && differs.includes('tags')
  return isSameMetadata(wanted, found) && !areTags && !differs.includes('redirect')
}
