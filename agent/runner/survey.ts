/**
 * One survey: lists both sides of a wide range, once, and tells the plane how to cut it into packets. What turns out equal is
 * settled here and needs no packet.
 */
import { zeroCounts } from '../../shared/counts.ts'
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Cut, LeasedPacket } from '../../shared/protocol.ts'
import { chainWork, settledChain } from '../core/chain-decision.ts'
import { type Cutter, createCutter } from '../core/cutter.ts'
import { workOf } from '../core/decide.ts'
import type { Answer, Outbox } from '../session/outbox.ts'
import { orAbort } from '../storage/interrupt.ts'
import { createCheckpoint } from './checkpoint.ts'
import { createLeaves } from './leaves.ts'
import { look, type Seen } from './look.ts'
import { lookAtChains, type SeenChain } from './look-chains.ts'
import type { Pass } from './pass.ts'
import { chooseSplit } from './split-key.ts'

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
  /** Gives the upper part of what is left away, if it can be done. */
  split(): void
  /** Stops at the next checkpoint. */
  drain(): void
  /** Whether it only waits for the plane's `proceed`, and so takes nobody's place. */
  readonly isHeld: boolean
}

export function createSurvey(options: SurveyOptions): Survey {
  const { pass, packet, post, signal } = options
  const checkpoint = createCheckpoint(options)
  const leaving = new AbortController()
  let through = packet.through
  let wantsSplit = false
  let parting: Promise<void> | null = null

  async function run(): Promise<'done' | 'released'> {
    try {
      await walk(AbortSignal.any([signal, leaving.signal]))
      return 'done'
    } catch (error) {
      if (!parting) throw error
      await parting
      return 'released'
    } finally {
      checkpoint.close()
    }
  }

  async function walk(within: AbortSignal): Promise<void> {
    const cutter = createCutter()
    const leaves = createLeaves(pass, packet.after, Date.now())
    let position: Key | null = packet.after

    async function offer(cuts: Cut[]): Promise<void> {
      await leaves.cut(cuts)
      await checkpoint.offer(cuts)
    }

    // What it finds is looked at once more by the packets, so what a walk remembers is good enough.
    const looked =
      pass.options.versions === 'all'
        ? lookAtChains(pass, packet, { signal: within })
        : look(pass, packet, { signal: within, fresh: false })
    walking: for await (const batch of looked) {
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
      if (wantsSplit && position !== null) await split(position, within)
    }
    cutter.finish(through)
    await offer(cutter.take())
    await checkpoint.flush()
  }

  function feed(cutter: Cutter, { key, decision }: Seen): void {
    const work = decision ? workOf(decision, pass.options) : null
    if (work !== null) cutter.work(key, work)
    else if (decision?.is === 'same') cutter.same(key, decision.source.size, decision.evidence)
    else cutter.passed(key)
  }

  function feedChain(cutter: Cutter, { key, chain, listed }: SeenChain): void {
    const settled = chain && settledChain(chain, pass.options)
    if (chain && !settled) {
      const { objects, bytes } = chainWork(chain, pass.options)
      cutter.work(key, bytes, objects, listed)
    } else {
      cutter.settled(key, settled ?? zeroCounts(), listed)
    }
  }

  async function split(position: Key, within: AbortSignal): Promise<void> {
    wantsSplit = false
    const at = await chooseSplit(pass.source, { position, through, signal: within })
    if (at === null) return
    const { id, generation } = packet
    const answered = new Promise<Answer>((resolve) => {
      post({ t: 'split', packet: id, generation, at }, resolve)
    })
    const answer = await orAbort(answered, signal, 'split')
    if (answer.is === 'ack') through = at
    else if (answer.code === 'stale')
      throw new DrayError('stale', 'split', answer.message, { retry: 'later' })
  }

  return {
    run,
    proceed: checkpoint.proceed,
    split() {
      wantsSplit = true
    },
    drain() {
      parting ??= checkpoint.leave()
      parting.catch(() => {}) // Awaited by `run`.
      leaving.abort()
    },
    get isHeld() {
      return checkpoint.isHeld
    },
  }
}
