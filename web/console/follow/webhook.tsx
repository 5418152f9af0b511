/** Where notifications of a store are posted to, and what they have to bring. */
import { tellChanges } from '../../../shared/api/changes.ts'
import { addressOf } from '../../../shared/api/route.ts'
import type { Direction } from '../../../shared/life.ts'
import { Code } from '../parts/code.tsx'
import { followTexts as texts } from '../texts/follow.ts'

export function Webhook(props: {
  workspace: string
  /** Null: it has no name yet. */
  migration: string | null
  /** Which side it follows now. */
  direction?: Direction
}) {
  const { workspace, migration, direction = 'forward' } = props
  if (migration === null) return <p className="quiet">{texts.addressLater}</p>
  const query = direction === 'back' ? { side: 'destination' as const } : {}
  const address = addressOf(tellChanges, { params: { workspace, migration }, query })
  return (
    <div>
      <Code label={texts.address} text={new URL(address, location.href).href} copies />
      <p className="quiet small">{texts.token}</p>
    </div>
  )
}
