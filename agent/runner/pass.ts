/**
 * What all packets of one pass share at an agent: both storages, opened once (a new pass gets new ones, and with them
 * new remembered listings), the compiled filter, the baseline, and the way a report goes to the control plane.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sign } from '../../shared/identity/keys.ts'
import { type Leaf, type Seal, sealText } from '../../shared/ledger.ts'
import type { Location } from '../../shared/location.ts'
import { seesAll } from '../../shared/mapping.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { type AllowList, holdToList } from '../allow/allow-list.ts'
import type { Baseline } from '../baseline/baseline.ts'
import { turned } from '../baseline/turned.ts'
import { parks, type Sight } from '../core/decide.ts'
import { type CompiledFilter, compileFilter } from '../core/filter.ts'
import { type Fidelity, openFidelity } from '../fidelity.ts'
import type { Signing } from '../identity/signer.ts'
import type { IntentStore, Intents } from '../intents.ts'
import { makeDirectory, unmakeDirectory } from '../make-directory.ts'
import type { Arranged, ArrangedBack } from '../mapping/arrange.ts'
import type { Log } from '../session/line.ts'
import type { Welcome } from '../session/migration.ts'
import { askBeforeWrites } from '../storage/ask-before-writes.ts'
import { fileError } from '../storage/file/file-error.ts'
import type { OpenStorageOptions } from '../storage/open.ts'
import { rememberListings } from '../storage/remember.ts'
import { withRetry } from '../storage/retry.ts'
import type { Lanes } from '../storage/s3/lanes.ts'
import type { Storage } from '../storage/storage.ts'
import { requireVersions } from '../versioned.ts'
import type { Baselines } from './baselines.ts'
import { openKept } from './kept.ts'
import { clearAway, tellOthers } from './leftovers.ts'
import { sampleOf } from './sample.ts'
import type { SlotShare, Slots } from './slots.ts'

export type OpenStorage = (location: Location, options: OpenStorageOptions) => Promise<Storage>

/** What a runner needs of its agent. */
export interface Workplace {
  /** What the agent may touch. */
  readonly allow: AllowList
  readonly agent: string
  /** With which it seals what a verification has seen. */
  readonly signing: Signing
  readonly stateDir: string
  /** Objects in flight, over all packets of the agent. */
  readonly concurrency: number
  /** Bytes that work may hold, over all packets. */
  readonly memory: number
  readonly slots: Slots
  readonly lanes?: Lanes
  readonly openStorage: OpenStorage
  readonly baselines: Baselines
  readonly intents: IntentStore
  /** Of a `parts` packet; an object of more than four of them is copied by all agents. */
  readonly packetBytes: number
  readonly log: Log
  /** 1, 2, … of a worker thread. The main one, which has none, cleans up for all when it opens a pass. */
  readonly thread?: number
  /** Uploads the report of a packet, a gzip file. Throws a `DrayError`. */
  upload(report: ReportAddress, path: string, signal: AbortSignal): Promise<void>
}

export interface ReportAddress {
  readonly migration: string
  readonly pass: number
  readonly packet: number
  readonly generation: number
}

export interface Pass {
  readonly migration: string
  readonly number: number
  readonly options: PassOptions
  readonly source: Storage
  readonly destination: Storage
  /** Of the destination, what is to be compared with the source. */
  readonly listDestination: Storage['list']
  readonly fidelity: Fidelity
  readonly filter: CompiledFilter
  readonly sight: Sight
  /** Null where the pass must not believe it: in a verification. */
  readonly baseline: Baseline | null
  /** The uploads that this agent has begun between these locations. */
  readonly intents: Intents
  readonly packetBytes: number
  /** For what is spilled while the pass lasts. */
  readonly spillDir: string
  readonly slots: SlotShare
  readonly log: Log
  upload(report: ReportAddress, path: string, signal: AbortSignal): Promise<void>
  /** What was seen of a range of this pass, signed by this agent. */
  sign(found: Omit<Seal, 'signature'>, range: Pick<Leaf, 'after' | 'through' | 'counts'>): Promise<Seal>
  close(): Promise<void>
}

/** Tries of one request, the first included. Objects have tries of their own on top, so this stays small. */
const requestAttempts = 4
/** Of each side's remembered listing, on disk. */
const spillBytes = 4 * 1024 ** 3
/** Reads, writes and the rest: each endpoint's lane counts them apart. */
const kindsOfTraffic = 3

export const spillRoot = (stateDir: string) => join(stateDir, 'agent', 'spill')

/** `slots` are those of its migration. `cleared` is told which uploads of earlier passes (`welcome.uploads`) are no more. */
export async function openPass(
  welcome: Welcome,
  place: Workplace,
  slots: SlotShare,
  cleared: (upload: number) => void,
): Promise<Pass> {
  const { migration, pass } = welcome
  const isBack = pass.options.direction === 'back'
  // What is read, and what is made equal to it; the definition stays as it is.
  const [source, destination] = isBack
    ? [welcome.destination, welcome.source]
    : [welcome.source, welcome.destination]
  // Before anything is made; what is opened besides is held to it too (workplace.ts).
  for (const location of [source, destination]) holdToList(place.allow, location)
  const isFirst = place.thread === undefined
  const spillDir = join(
    spillRoot(place.stateDir),
    `${migration}-${pass.number}${isFirst ? '' : `-${place.thread}`}`,
  )
  await mkdir(spillDir, { recursive: true })
  const opened: { close(): Promise<void> }[] = []

  async function openTried(location: Location): Promise<Storage> {
    const raw = await place.openStorage(location, {
      stateDir: place.stateDir,
      agentId: place.agent,
      symlinks: pass.options.symlinks,
      checksums: source.kind === 's3' && destination.kind === 's3',
      connections: kindsOfTraffic * place.concurrency,
      ...(place.lanes && { lanes: place.lanes }),
    })
    return withRetry(raw, {
      attempts: requestAttempts,
      writeOnce: pass.options.versions === 'all',
    })
  }

  async function open(location: Location, side: string): Promise<Storage> {
    const tried = await openTried(location)
    const storage = tried.walks
      ? rememberListings(tried, { dir: join(spillDir, side), maxBytes: spillBytes })
      : tried
    opened.push(storage)
    return storage
  }

  const made: string[] = []
  const leaving = new AbortController()
  let telling = Promise.resolve()
  async function close(): Promise<void> {
    leaving.abort()
    await telling
    await Promise.allSettled(opened.map((each) => each.close()))
    if (pass.options.dryRun) unmakeDirectory(made)
    await rm(spillDir, { recursive: true, force: true })
  }

  try {
    const raw = await open(source, 'source')
    const forth = isBack ? null : await arranged(raw, welcome, join(spillDir, 'sort'), openTried)
    const from = forth?.source ?? raw
    // It closes what it wraps.
    opened.splice(-1, 1, from)
    const options = seesAll(welcome) ? pass.options : { ...pass.options, delete: false, oneWay: true }
    // What a pass back writes to was there: where it is not, its disk is away.
    if (pass.options.kind === 'copy' && destination.kind === 'file' && !isBack) make(destination.path, made)
    const there = await open(destination, 'destination')
    const back = isBack ? await arrangedBack(there, welcome) : null
    const target = back?.destination ?? there
    const fidelity = openFidelity(
      pass.options.fidelity,
      from,
      parks(pass.options) ? askBeforeWrites(target) : target,
    )
    const to = fidelity.destination
    await requireVersions(pass.options, from, to, leaving.signal)
    const kept = pass.options.kind === 'copy' ? await openKept(welcome, place, openTried) : null
    if (kept) opened.push(kept)
    const baseline = kept && isBack ? turned(kept) : kept
    const intents = place.intents.of(JSON.stringify([source, destination]))
    if (isFirst && to.multipart && pass.options.kind === 'copy' && !pass.options.dryRun) {
      const open = { migration, source: from, destination: to, intents, log: place.log }
      const left = welcome.uploads?.map((each) => ({ ...each, forget: () => cleared(each.id) })) ?? []
      await clearAway(open, to.multipart, left, leaving.signal)
      const known = left.map(({ upload }) => upload)
      telling = tellOthers(open, to.multipart, known, pass.startedAt, leaving.signal)
    }
    return {
      migration,
      number: pass.number,
      options,
      source: from,
      destination: to,
      listDestination: forth?.beside(to) ?? to.list.bind(to),
      fidelity,
      filter: (forth ?? back)!.filter,
      sight: {
        ...{ options, source: from.tokens, destination: to.tokens, startedAt: pass.startedAt },
        ...(pass.options.kind === 'verify' &&
          pass.options.sample !== null && {
            isSampled: sampleOf(
              { migration, pass: pass.number, startedAt: pass.startedAt },
              pass.options.sample,
            ),
          }),
      },
      baseline,
      intents,
      packetBytes: place.packetBytes,
      spillDir,
      slots,
      log: place.log,
      upload: place.upload,
      async sign(found, range) {
        const { workspace, signing } = place.signing
        const { number, startedAt } = pass
        const text = sealText(found, { workspace, migration, pass: number, startedAt, ...range })
        return { ...found, signature: await sign(text, signing) }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function arranged(
  source: Storage,
  welcome: Welcome,
  spillDir: string,
  open: (location: Location) => Promise<Storage>,
): Promise<Arranged> {
  if (!welcome.mapping && !welcome.manifest) {
    return { source, filter: compileFilter(welcome.filter), beside: (to) => to.list.bind(to) }
  }
  const { arrange } = await import('../mapping/arrange.ts')
  return arrange(source, welcome, { spillDir, open })
}

async function arrangedBack(destination: Storage, welcome: Welcome): Promise<ArrangedBack> {
  if (!welcome.mapping && !welcome.manifest) return { destination, filter: compileFilter(welcome.filter) }
  const { arrangeBack } = await import('../mapping/arrange.ts')
  return arrangeBack(destination, welcome)
}

/** A destination may be new; of a source or of what is verified, that would be a mistake. */
function make(path: string, made: string[]): void {
  try {
    makeDirectory(path, made)
  } catch (cause) {
    unmakeDirectory(made)
    throw fileError(cause, `make ${path}`)
  }
}
