/** What else one can do here, behind one button. */
import { Menu as Base } from '@base-ui/react/menu'
import { Ellipsis } from 'lucide-react'
import type { ReactNode } from 'react'

export interface Deed {
  readonly name: string
  readonly danger?: boolean
  readonly disabled?: boolean
  run(): void
}

export function Menu({
  name,
  deeds,
  children,
}: {
  name: string
  deeds: readonly Deed[]
  children?: ReactNode
}) {
  return (
    <Base.Root>
      <Base.Trigger className="button" aria-label={children ? undefined : name}>
        {children ?? <Ellipsis size={18} aria-hidden="true" />}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="end" className="above">
          <Base.Popup className="menu" aria-label={name}>
            {deeds.map(({ name, danger, disabled = false, run }) => (
              <Base.Item
                key={name}
                className={danger ? 'item danger' : 'item'}
                disabled={disabled}
                onClick={run}
              >
                {name}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
