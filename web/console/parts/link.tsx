/** Whether what is shown is so now: apart from what state the migration is in. Changes are announced. */
import { time } from '../format.ts'
import type { Live } from '../live.ts'
import { texts } from '../texts.ts'

export function LinkState({ live }: { live: Live }) {
  const { link, heardAt } = live
  const asOf = heardAt === null ? '' : `, ${texts.live.asOf(time(heardAt))}`
  return (
    <span className={`link ${link}`} role="status">
      {texts.live.link[link]}
      {link === 'lost' || link === 'refused' ? asOf : ''}
    </span>
  )
}
