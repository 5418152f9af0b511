/**
 * A mirror that belongs to a migration. What it cannot make equal by itself for a moment, it tells the control plane, so that following does; and
 * when the migration is cut over, or rolled back, the other side becomes the side of record.
 *
 * It acts on a change of the migration's state that it has not acted on yet, and on nothing else: whoever switches by hand is not switched back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { toDrayError } from '../../shared/error.ts'
import { keyToText } from '../../shared/key.ts'
import type { LifeState } from '../../shared/life.ts'
import type { Journal } from './journal.ts'
import type { Roles } from './roles.ts'
import type { SideName } from './side.ts'

export interface PlaneLinkDeps {
  readonly journal: Journal
  readonly roles: Roles
  readonly signal: AbortSignal
  readonly link: MigrationLink
  switchTo(record: SideName): Promise<unknown>
  /** Of what could not be told or done; it is tried again. */
  failed(event: string, message: string): void
}

/** What a mirror asks a control plane. */
export interface MigrationLink {
  readonly migration: string
  /** Whole keys of the bucket of that side of the migration. */
  tell(side: 'source' | 'destination', keys: readonly string[]): Promise<void>
  state(): Promise<LifeState>
}

/** A key that repair has made equal by then is nothing to tell (ms). */
const patience = 1_000
const everyMs = 1_000
const mostKeys = 500

export async function runPlaneLink(deps: PlaneLinkDeps): Promise<void> {
  const { signal, failed } = deps
  while (!signal.aborted) {
    try {
      await tellDirty(deps)
    } catch (error) {
      if (!signal.aborted) failed('changes were not told', toDrayError(error, 'tell').message)
    }
    try {
      await follow(deps)
    } catch (error) {
      if (!signal.aborted) failed('the side of record is as it was', toDrayError(error, 'switch').message)
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
}

async function tellDirty({ journal, roles, link }: PlaneLinkDeps): Promise<void> {
  for (;;) {
    const dirty = journal.untold(Date.now() - patience, mostKeys)
    if (dirty.length === 0) return
    const keys = dirty.flatMap(({ key }) => keyToText(roles.record.whole(key)) ?? [])
    if (keys.length > 0) await link.tell(roles.record.name === 'old' ? 'source' : 'destination', keys)
    await journal.told(dirty)
  }
}

async function follow({ journal, link, switchTo }: PlaneLinkDeps): Promise<void> {
  const state = await link.state()
  if (journal.fact('life') === state) return
  if (state === 'cut-over') await switchTo('new')
  if (state === 'rolled-back') await switchTo('old')
  await journal.setFact('life', state)
}
