/** How far a pass is. */
import type { MigrationView } from '../../shared/api/migrations.ts'

type Pass = NonNullable<MigrationView['pass']>

export const settled = ({ same, copied, skipped, vanished, failed }: Pass['counts']['objects']): number =>
  same + copied + skipped + vanished + failed

/**
 * Objects that are known of so far; one more than that while nobody knows how many there are. Of a pass that is complete, those
 * that it found: what it was to try again may have been gone.
 */
export const known = ({ counts, expected, surveying, state }: Pass): number => {
  if (state === 'complete') return counts.objects.listed
  const all = Math.max(counts.objects.listed, expected.objects)
  return state === 'running' && surveying ? all + 1 : all
}

/** What a bar shows of it. What is complete is full, also where nothing was found. */
export const bar = (pass: Pass): { value: number; max: number } => {
  const max = Math.max(known(pass), 1)
  return { max, value: pass.state === 'complete' ? max : settled(pass.counts.objects) }
}
