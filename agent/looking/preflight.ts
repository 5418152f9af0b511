/**
 * Whether a migration would work, found out by an agent that reaches both ends: all of it at once, each for itself, so that one store that does not
 * answer hides nothing of the other. What is written to find out is deleted again.
 */
import { realpathSync } from 'node:fs'
import type { Answer, Ask } from '../../shared/asks.ts'
import { DrayError } from '../../shared/error.ts'
import { type Finding, findingKinds } from '../../shared/finding.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import type { Range } from '../../shared/range.ts'
import { type AllowList, holdToList } from '../allow/allow-list.ts'
import { compileFilter } from '../core/filter.ts'
import type { OpenClientOptions } from '../storage/s3/open-client.ts'
import { openObserved, type Seen, tryConnection } from '../storage/s3/try-connection.ts'
import type { Storage } from '../storage/storage.ts'
import { requireVersions } from '../versioned.ts'
import { lookForClash, triedBucket, tryDirectory } from './destination.ts'
import { found, looked, obstacle } from './findings.ts'
import { answerMs } from './in-time.ts'
import { lossesOf } from './losses.ts'
import { refuseOverlap, refuseOwnState } from './refuse-overlap.ts'
import { lookAtSource } from './source.ts'

export interface PreflightDeps {
  readonly allow: AllowList
  readonly stateDir: string
  /** Holds to the list, too. */
  open(location: Location): Promise<Storage>
  readonly client: OpenClientOptions
}

/** Of each look; a little less than all of the answer. */
const lookMs = answerMs.preflight - 3_000

export async function preflight(
  ask: Ask & { kind: 'preflight' },
  deps: PreflightDeps,
): Promise<Answer & { kind: 'preflight' }> {
  for (const location of [ask.source, ask.destination]) holdToList(deps.allow, location)
  const looks = [lookForOverlap, lookAtFrom, lookForManifest, lookForLosses, lookForVersions, lookAtTo]
  const findings = (await Promise.all(looks.map((look) => look(ask, deps)))).flat()
  if (!findings.some(({ kind }) => kind === 'capabilities')) {
    const where = { kind: 'capabilities', side: 'destination' } as const
    const isWritten = findings.some(({ kind, outcome }) => kind === 'write' && outcome === 'good')
    findings.push(
      isWritten
        ? found(where, 'good', `Nothing was found that ${formatLocation(ask.destination)} would not keep.`)
        : found(where, 'unknown', 'What it takes is not known before it can be written.'),
    )
  }
  const order = ({ kind, side }: Finding) => findingKinds.indexOf(kind) * 10 + (side === 'source' ? 0 : 1)
  return { kind: 'preflight', findings: findings.sort((a, b) => order(a) - order(b)) }
}

type Asked = Ask & { kind: 'preflight' }

/** What `act` makes of it, closed then. */
async function within<T>(storage: Promise<Storage>, act: (storage: Storage) => Promise<T>): Promise<T> {
  const opened = await storage
  try {
    return await act(opened)
  } finally {
    await opened.close()
  }
}

const lookForOverlap = (ask: Asked, { open, client, stateDir }: PreflightDeps): Promise<Finding[]> => {
  const { source, destination, options } = ask
  const where = { kind: 'overlap', side: 'both' } as const
  return looked(where, lookMs, async (signal) => {
    const hasAny = (range: Range) =>
      within(open(source), async (storage) => {
        for await (const page of storage.list(range, { signal })) if (page.length > 0) return true
        return false
      })
    await refuseOverlap(ask, options, hasAny, client.sealed)
    const filter = compileFilter(ask.filter)
    const state = realpathSync(stateDir)
    for (const side of [source, ...(options.delete ? [destination] : [])]) refuseOwnState(side, state, filter)
    return [found(where, 'good', 'Source and destination are apart.')]
  })
}

const lookAtFrom = (
  { source, filter, options }: Asked,
  { open, client }: PreflightDeps,
): Promise<Finding[]> =>
  looked({ kind: 'read', side: 'source' }, lookMs, (signal) => {
    const seen: Seen = { store: null, skewMs: null, latencyMs: null }
    // One that is encrypted with a key of the customer's is opened with it.
    const isPlain = source.kind === 's3' && source.customerKey === undefined
    const storage = isPlain ? openObserved(source, client, seen).then((each) => each.storage) : open(source)
    return within(storage, (from) => lookAtSource(from, source, compileFilter(filter), options, seen, signal))
  })

const lookForManifest = ({ source, manifest }: Asked, { open }: PreflightDeps): Promise<Finding[]> => {
  if (!manifest) return Promise.resolve([])
  const where = { kind: 'read', side: 'source' } as const
  return looked(where, lookMs, async (signal) => {
    const { readManifest } = await import('../mapping/arrange.ts')
    for await (const page of readManifest(manifest, source, { open }, signal)) {
      if (page.length > 0) return [found(where, 'good', 'The manifest can be read.')]
    }
    return [found(where, 'warns', 'The manifest names nothing.', { hint: 'Check the file.' })]
  })
}

/** What is there is counted before anything of ours is. */
async function lookAtTo(
  { destination, options }: Asked,
  { open, client }: PreflightDeps,
): Promise<Finding[]> {
  const began = performance.now()
  const clash = await looked(
    { kind: 'clash', side: 'destination' },
    lookMs / 2,
    (signal) => within(open(destination), (to) => lookForClash(to, options, signal)),
    // That it cannot be used is said below.
    'unknown',
  )
  const left = Math.round((lookMs - (performance.now() - began)) / 1000) * 1000
  const write = await looked({ kind: 'write', side: 'destination' }, left, async () => {
    if (destination.kind === 'file') return tryDirectory(destination)
    const tested = await tryConnection(destination, client, left - 1_000)
    return triedBucket(tested, formatLocation(destination), options)
  })
  return [...clash, ...write]
}

const lookForLosses = (
  { source, destination, options }: Asked,
  { open }: PreflightDeps,
): Promise<Finding[]> => {
  const where = { kind: 'capabilities', side: 'destination' } as const
  const look = async (signal: AbortSignal) => {
    const losses = await lossesOf(source, destination, options.fidelity, { open, signal }).catch((error) => {
      if (error instanceof DrayError && error.code === 'unsupported-property') return error
      throw error
    })
    if (losses instanceof DrayError) return [obstacle(where, losses)]
    return losses.map((loss) => found(where, 'warns', loss))
  }
  // Who may not look at one side says so for that side.
  return looked(where, lookMs, look, 'unknown')
}

const lookForVersions = (
  { source, destination, options }: Asked,
  { open }: PreflightDeps,
): Promise<Finding[]> => {
  if (options.versions === 'newest') return Promise.resolve([])
  const where = { kind: 'capabilities', side: 'both' } as const
  return looked(where, lookMs, (signal) =>
    within(open(source), (from) =>
      within(open(destination), async (to) => {
        await requireVersions(options, from, to, signal)
        return [found(where, 'good', 'Both sides keep versions.')]
      }),
    ),
  )
}
