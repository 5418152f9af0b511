/**
 * One survey: lists both sides of a wide range, once, and tells the plane how to cut it into packets. What turns out equal is
 * settled here and needs no packet.
 */
import { zeroCounts } from '../../shared/counts.ts'
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Cut, LeasedPacket } from '../../shared/protocol.ts'
import { chainAt, chainWork, settledChain } from '../core/chain-decision.ts'
import { type Cutter, createCutter, surveyBounds } from '../core/cutter.ts'
import { workAt, workOf } from '../core/decide.ts'
import { deletes } from '../core/due.ts'
import type { Answer, Outbox } from '../session/outbox.ts'
import { orAbort } from '../storage/interrupt.ts'
import { createCheckpoint } from './checkpoint.ts'
import { createLeaves } from './leaves.ts'
import { look, type Seen } from './look.ts'
import { lookAtChains, type SeenChain } from './look-chains.ts'
import { createObserved, type Observed } from './observed.ts'
import type { Pass } from './pass.ts'
import { chooseSplits } from './split-key.ts'

export interface SurveyOptions {
  pass: Pass
  packet: LeasedPacket
  post: Outbox['post']
  signal: AbortSignal
  /** Whenever `isHeld` changes. */
  changed(): void
}

export interface Survey {
  /** `done`: all of its range is told. `released`: what is told is told; the rest is to be given back. */
  run(): Promise<'done' | 'released'>
  proceed(): void
  /** Makes so many pieces of what is left, if it can be done, and gives away all but the lowest. */
  split(parts: number): void
  /** Stops at the next checkpoint. */
  drain(): void
  /** Whether it only waits for the plane's `proceed`, and so takes nobody's place. */
  readonly isHeld: boolean
  /** Batches of its listing so far. */
  readonly seen: number
}

export function createSurvey(options: SurveyOptions): Survey {
  const { pass, packet, post, signal } = options
  const checkpoint = createCheckpoint(options)
  const leaving = new AbortController()
  let through = packet.through
  /** Into how many pieces the rest is to be divided; where is looked for while the walk goes on. */
  let pieces = 1
  let seeking = false
  /** While the plane has not answered, nothing past the boundaries may be told. */
  let giving: Promise<void> | null = null
  let position: Key | null = packet.after
  let sealedTo: Key | null = packet.after
  let parting: Promise<void> | null = null
  let seen = 0

  async function run(): Promise<'done' | 'released'> {
    try {
      await walk(AbortSignal.any([signal, leaving.signal]))
      return 'done'
    } catch (error) {
      if (!parting) throw error
      await parting
      return 'released'
    } finally {
      leaving.abort()
      checkpoint.close()
    }
  }

  async function walk(within: AbortSignal): Promise<void> {
    const cutter = createCutter(surveyBounds, deletes(pass.options))
    const leaves = createLeaves(pass, packet.after, Date.now())
    const observed = pass.options.kind === 'verify' ? createObserved(pass) : null

    async function offer(cuts: Cut[]): Promise<void> {
      await leaves.cut(cuts)
      await checkpoint.offer(observed ? await sealed(observed, cuts) : cuts)
    }

    // What it finds is looked at once more by the packets, so what a walk remembers is good enough.
    const looked =
      pass.options.versions === 'all'
        ? lookAtChains(pass, packet, { signal: within, observed })
        : look(pass, packet, { signal: within, fresh: false, observed })
    walking: for await (const batch of looked) {
      seen++
      await giving
      for (const seen of batch) {
        if (through !== null && seen.key > through) break walking
        if ('chain' in seen) {
          feedChain(cutter, seen)
        } else {
          feed(cutter, seen)
          leaves.see(seen)
        }
        position = seen.key
      }
      await offer(cutter.take())
      if (pieces > 1 && !seeking) void seek(position!)
    }
    await giving
    cutter.finish(through)
    await offer(cutter.take())
    await checkpoint.flush()
  }

  async function sealed(observed: Observed, cuts: readonly Cut[]): Promise<Cut[]> {
    const all: Cut[] = []
    for (const cut of cuts) {
      const { through, settled } = cut
      if (settled) {
        all.push({ ...cut, seal: await observed.seal({ after: sealedTo, through }, settled) })
      } else {
        // Whoever does the packet looks at it again.
        observed.forget(through)
        all.push(cut)
      }
      sealedTo = through
    }
    return all
  }

  function feed(cutter: Cutter, { key, decision }: Seen): void {
    const work = decision ? workOf(decision, pass.options) : null
    if (work !== null) cutter.work(key, work, workAt(decision!, pass.options))
    else if (decision?.is === 'same') cutter.same(key, decision.source.size, decision.evidence)
    else cutter.passed(key, decision?.is === 'kept' ? 1 : 0)
  }

  function feedChain(cutter: Cutter, { key, chain, listed, isNews }: SeenChain): void {
    const settled = chain && settledChain(chain, pass.options)
    if (chain && settled && isNews) {
      // A packet tells the baseline.
      cutter.work(key, 0, { listed, ...chainAt(chain, pass.options) })
    } else if (chain && !settled) {
      const { objects, bytes } = chainWork(chain, pass.options)
      cutter.work(key, bytes, { objects, listed, ...chainAt(chain, pass.options) })
    } else {
      cutter.settled(key, settled ?? zeroCounts(), listed, chain ? chainAt(chain, pass.options).found : 0)
    }
  }

  async function seek(from: Key): Promise<void> {
    const parts = pieces
    pieces = 1
    seeking = true
    try {
      const within = AbortSignal.any([signal, leaving.signal])
      const boundaries = await chooseSplits(pass.source, { position: from, through, parts, signal: within })
      giving = giveAway(boundaries)
      await giving
    } catch {
      // Nothing is lost: the walk goes on by itself, and meets by itself what is wrong with the store, or with its lease.
    } finally {
      seeking = false
    }
  }

  /** From the top, so that each piece ends where the one above it begins. */
  async function giveAway(boundaries: readonly Key[]): Promise<void> {
    const { id, generation } = packet
    const places = boundaries.filter(
      (at) => position !== null && at > position && (through === null || at < through),
    )
    const answers = places.toReversed().map((at) => {
      const answered = new Promise<Answer>((resolve) => {
        post({ t: 'split', packet: id, generation, at }, resolve)
      })
      return { at, answered }
    })
    for (const { at, answered } of answers) {
      const answer = await orAbort(answered, signal, 'split')
      if (answer.is === 'ack') through = at
      else if (answer.code === 'stale')
        throw new DrayError('stale', 'split', answer.message, { retry: 'later' })
    }
  }

  return {
    run,
    proceed: checkpoint.proceed,
    split(parts) {
      pieces = parts
    },
    drain() {
      parting ??= checkpoint.leave()
      parting.catch(() => {}) // Awaited by `run`.
      leaving.abort()
    },
    get isHeld() {
      return checkpoint.isHeld
    },
    get seen() {
      return seen
    },
  }
}
