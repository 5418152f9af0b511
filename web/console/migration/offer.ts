/** What can be done about a migration, by whoever leads it: by hand, pass by pass, or by its life. */
import type { ReactNode } from 'react'
import type { PageDeed } from '../deeds.ts'
import type { Deed } from '../parts/menu.tsx'

export interface Offer {
  /** How it stands: a shape, a word. */
  readonly state: { readonly is: string; readonly says: string }
  /** Beside the menu: the next thing to do, and what must be at hand. */
  readonly buttons: ReactNode
  /** In the menu. */
  readonly menu: readonly Deed[]
  /** For the palette and the keyboard. */
  readonly deeds: readonly PageDeed[]
  /** What is asked, and what was refused. */
  readonly asks: ReactNode
}
