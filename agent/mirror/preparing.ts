/** Before a mirror serves: that its journal is of these two sides, and whether the new one can be read from. */
import { randomBytes } from 'node:crypto'
import { DrayError, toDrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import type { Journal } from './journal.ts'
import type { Side } from './side.ts'

/** What is remembered of two places says nothing of two others. */
export async function holdToSides(journal: Journal, old: Side, fresh: Side): Promise<void> {
  for (const side of [old, fresh]) {
    const known = journal.fact(side.name)
    if (known === null) await journal.setFact(side.name, side.place)
    else if (known !== side.place)
      throw new DrayError(
        'config',
        'start',
        `this state directory belongs to a mirror whose ${side.name} side is ${known}, not ${side.place}`,
        { hint: 'Give each mirror a directory of its own with --state-dir.' },
      )
  }
}

/**
 * Why reads stay on the old side, or null. A copy of the backfill that does not land under a condition may land on top of what was mirrored
 * later, and whoever reads the new side would read that.
 */
export async function whyStay(
  reads: 'auto' | 'old' | 'new',
  fresh: Side,
  signal: AbortSignal,
): Promise<string | null> {
  if (reads === 'old') return 'it was asked for'
  if (reads === 'new') return null
  const key = keyFromText(`.dray-probe-${randomBytes(8).toString('hex')}`)
  try {
    if (await refusesSecond(fresh, key, signal)) return null
    return 'the new side does not hold writes to their conditions (If-None-Match)'
  } catch (error) {
    return `the new side could not be asked whether it holds writes to their conditions: ${toDrayError(error, 'probe').message}`
  } finally {
    await fresh.ask({ method: 'DELETE', key, signal }).catch(() => {})
  }
}

async function refusesSecond(side: Side, key: Key, signal: AbortSignal): Promise<boolean> {
  const write = () =>
    side.ask({ method: 'PUT', key, headers: { 'if-none-match': '*' }, body: Buffer.from('probe'), signal })
  const first = await write()
  if (first.status >= 300) return false
  return (await write()).status === 412
}
