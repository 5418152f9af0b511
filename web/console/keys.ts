/**
 * The console's keys, in one place: Ctrl or ⌘ with K, and single letters where they are on (key-choice.ts). They do nothing while somebody
 * types, while something lies over the page, and where a part of the page has used the key itself.
 */
import { deedsNow } from './deeds.ts'
import { areKeysOn } from './key-choice.ts'

/** After `g`: where to, below the workspace. */
export const placeKeys = {
  o: '',
  m: '/migrations',
  n: '/new-migration',
  s: '/sites',
  c: '/connections',
  d: '/schedules',
  l: '/limits',
  w: '/webhooks',
  p: '/people',
  a: '/audit',
  t: '/settings',
} as const

export interface Keyed {
  open(what: 'palette' | 'help'): void
  /** Below the workspace. */
  go(path: string): void
}

/** Milliseconds that a letter may come after `g`. */
const patience = 1_500
const rows = 'main .table tbody tr, main [data-row]'
const over = '[role="dialog"], [role="alertdialog"], [role="menu"], dialog[open]'
const typing = 'input, textarea, select, [contenteditable]'
const acts = 'a[href], button, summary'

export function listen({ open, go }: Keyed): () => void {
  let sinceG = Number.NEGATIVE_INFINITY
  const hear = (event: KeyboardEvent) => {
    const { key, target } = event
    if (event.defaultPrevented || event.isComposing || event.altKey) return
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === 'k') {
      if (!document.querySelector(over)) open('palette')
      event.preventDefault()
      return
    }
    const at = target instanceof HTMLElement ? target : document.body
    if (event.ctrlKey || event.metaKey || !areKeysOn() || at.matches(typing)) return
    if (document.querySelector(over)) return
    const afterG = event.timeStamp - sinceG < patience
    sinceG = Number.NEGATIVE_INFINITY
    const did = afterG ? isPlace(key) && then(() => go(placeKeys[key])) : single(key, at)
    if (key === 'g' && !afterG) sinceG = event.timeStamp
    if (did) event.preventDefault()
  }
  const single = (key: string, at: HTMLElement): boolean => {
    if (key === '?') return then(() => open('help'))
    if (key === '/') return focus(document.querySelector<HTMLElement>('main input[type="search"]'))
    if (key === 'j' || key === 'k') return step(at, key === 'j' ? 1 : -1)
    const act = key === 'Enter' && at.matches(rows) ? at.querySelector<HTMLElement>(acts) : null
    if (act) return then(() => act.click())
    const deed = deedsNow().find((one) => one.key === key)
    return deed !== undefined && then(() => deed.run())
  }
  addEventListener('keydown', hear)
  // For whoever has to know that they work now: tests do.
  document.documentElement.dataset.keys = 'heard'
  return () => removeEventListener('keydown', hear)
}

const isPlace = (key: string): key is keyof typeof placeKeys => key in placeKeys

function then(run: () => void): true {
  run()
  return true
}

function focus(element: HTMLElement | null | undefined): boolean {
  element?.focus()
  return element !== null && element !== undefined
}

/** To the next row, of whichever table; the first one where none has the focus. */
function step(at: HTMLElement, by: 1 | -1): boolean {
  const all = [...document.querySelectorAll<HTMLElement>(rows)]
  const now = all.findIndex((row) => row.contains(at))
  const next = all[now < 0 ? 0 : now + by]
  if (next) next.tabIndex = -1
  return focus(next)
}
