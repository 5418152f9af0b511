/** Puts a mirror together: two sides, a journal, the endpoint, and the repair behind it. */
import { join } from 'node:path'
import { type DrayError, toDrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import type { S3Location } from '../../shared/location.ts'
import { controlOf } from './control.ts'
import { Front } from './front.ts'
import { Journal } from './journal.ts'
import { openTables } from './journal-tables.ts'
import { KeyLocks } from './key-locks.ts'
import { type MigrationLink, runPlaneLink } from './plane-link.ts'
import { holdToSides, lookAt, settleRecord, takesTrailers, whyStay } from './preparing.ts'
import { Repair } from './repair.ts'
import { Roles } from './roles.ts'
import { openSide, type SideName } from './side.ts'
import { Switching } from './switching.ts'
import { Uploads } from './uploads.ts'
import type { World } from './world.ts'

export interface MirrorOptions {
  readonly old: S3Location
  readonly new: S3Location
  /** What the application calls the bucket. */
  readonly bucket: string
  /** Its own, which nobody else uses meanwhile. */
  readonly stateDir: string
  readonly host: string
  readonly port: number
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null
  /** The application's, by access key. */
  readonly credentials: Readonly<Record<string, string>>
  /** For status and switch. */
  readonly controlToken: string
  /** `auto`: on the new side where that one has conditional writes. */
  readonly reads: 'auto' | 'old' | 'new'
  /** For a journal that does not know it yet. */
  readonly record?: SideName | undefined
  /** Most requests at work at once. */
  readonly requests: number
  /** Null: of no migration. */
  readonly link: MigrationLink | null
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds after which a write that nobody heard the end of cannot land any more; as long as a store thinks about one, unless told. */
  readonly lateMs?: number
  /** Milliseconds that the side that follows gets once the other has answered; ten seconds unless told. */
  readonly patienceMs?: number
  log(event: { level: 'info' | 'warn' | 'error'; event: string; [name: string]: unknown }): void
}

export interface Mirror {
  readonly url: URL
  readonly journal: Journal
  readonly record: SideName
  status(): MirrorStatus
  /** The other side becomes the side of record, once nothing is open and nothing is dirty. Throws `busy` where that does not come to be. */
  switchTo(record: SideName): Promise<MirrorStatus>
  /** Finishes what is under way, and ends. */
  stop(): Promise<void>
}

export interface MirrorStatus {
  readonly record: SideName
  readonly reads: SideName
  /** Why reads are on the old side; null where they are not. */
  readonly stay: string | null
  readonly state: 'serving' | 'draining'
  readonly old: string
  readonly new: string
  /** Writes under way. */
  readonly open: number
  /** Keys whose sides may differ; they are being repaired. */
  readonly dirty: number
  readonly tombstones: number
  /** Since when the oldest is dirty (ms since the epoch). */
  readonly oldest: number | null
  /** Why the last repair failed. */
  readonly problem: string | null
  readonly uploads: { readonly open: number; readonly lame: number }
  readonly requests: {
    readonly inside: number
    readonly waiting: number
    readonly served: number
    readonly failed: number
  }
  readonly repaired: number
}

/** Of a connection that broke off: its store may still finish what it has all of. */
const usualLateMs = 60_000
const usualPatienceMs = 10_000
/** Between two words about repairs that fail; `dray mirror status` has the last one. */
const quietMs = 10_000

export async function startMirror(options: MirrorOptions): Promise<Mirror> {
  const { env, log, requests, patienceMs = usualPatienceMs } = options
  const ending = new AbortController()
  const [old, fresh] = await Promise.all([
    openSide('old', options.old, { requests, patienceMs, env }),
    openSide('new', options.new, { requests, patienceMs, env }),
  ])
  const journal = new Journal(openTables(join(options.stateDir, 'journal.sqlite')), {
    lateMs: options.lateMs ?? usualLateMs,
  })
  try {
    await holdToSides(journal, old, fresh)
    await settleRecord(journal, options.record ?? null)
    await Promise.all([lookAt(old, ending.signal), lookAt(fresh, ending.signal)])
    const [stay, ...trailers] = await Promise.all([
      // Nothing is tried out on the side of record.
      journal.fact('record') === 'new' && options.reads === 'auto'
        ? 'the new side was the side of record when this mirror was started'
        : whyStay(options.reads, fresh, ending.signal),
      takesTrailers(old, ending.signal),
      takesTrailers(fresh, ending.signal),
    ])
    const roles = new Roles({ old, new: fresh }, journal, stay)
    const locks = new KeyLocks()
    const world: World = {
      old,
      new: fresh,
      roles,
      journal,
      locks,
      uploads: new Uploads(journal),
      bucket: options.bucket,
      region: old.region,
      patience: { usual: patienceMs, long: 12 * patienceMs },
      trailers: { old: trailers[0], new: trailers[1] },
      signal: ending.signal,
    }
    let toldAt = Number.NEGATIVE_INFINITY
    const failed = (key: Key, error: DrayError) => {
      if (performance.now() - toldAt < quietMs) return
      toldAt = performance.now()
      log({ level: 'warn', event: 'repair failed', key: displayKey(key), message: error.message })
    }
    const repair = new Repair({
      ...{ journal, roles, locks, signal: ending.signal, failed },
      patienceMs: 3 * patienceMs,
    })
    const switching = new Switching(world, repair)
    let state: MirrorStatus['state'] = 'serving'
    const status = (): MirrorStatus => ({
      record: roles.record.name,
      reads: roles.reads,
      stay: roles.stay,
      state,
      old: old.place,
      new: fresh.place,
      ...journal.figures,
      uploads: world.uploads.figures,
      requests: { inside: front.inside, waiting: front.waiting, served: front.served, failed: front.failed },
      repaired: repair.repaired,
    })
    const switchTo = async (record: SideName) => {
      await switching.to(record)
      log({ level: 'info', event: 'the side of record is another', record })
      return status()
    }
    const front = new Front(world, {
      host: options.host,
      port: options.port,
      tls: options.tls,
      credentials: options.credentials,
      requests,
      beside: controlOf({
        token: options.controlToken,
        isBroken: () => journal.broken !== null,
        status,
        switchTo,
      }),
      failed: (error) =>
        log({ level: 'error', event: 'failed', message: toDrayError(error, 'serve').message }),
    })
    const url = await front.listen()
    const { link } = options
    const working = [repair.run()]
    if (link !== null) {
      const unable = (event: string, message: string) => log({ level: 'warn', event, message })
      working.push(runPlaneLink({ journal, roles, signal: ending.signal, link, switchTo, failed: unable }))
    }
    let stopped: Promise<void> | null = null
    const stop = async () => {
      state = 'draining'
      await front.drain()
      ending.abort()
      await Promise.all(working)
      await front.close()
      await Promise.all([old.close(), fresh.close()])
      journal.close()
    }
    return {
      url,
      journal,
      get record() {
        return roles.record.name
      },
      status,
      switchTo,
      stop() {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    journal.close()
    await Promise.all([old.close(), fresh.close()])
    throw error
  }
}
