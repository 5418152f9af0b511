/** How far a pass is. */
import type { MigrationView } from '../../shared/api/migrations.ts'

type Pass = NonNullable<MigrationView['pass']>

export const settled = ({ same, copied, skipped, vanished, failed }: Pass['counts']['objects']): number =>
  same + copied + skipped + vanished + failed

/** Objects that are known of so far; one more than that while nobody knows how many there are. */
export const known = ({ counts, expected, surveying, state }: Pass): number => {
  const all = Math.max(counts.objects.listed, expected.objects)
  return state === 'running' && surveying ? all + 1 : all
}
