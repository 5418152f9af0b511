/** What has just been done, said once: shown for a while, and read out. */
import { useSyncExternalStore } from 'react'

/** Milliseconds for which it is shown. */
const shownMs = 6_000

let said = ''
let timer = 0
const listeners = new Set<() => void>()

export function announce(text: string): void {
  said = text
  clearTimeout(timer)
  timer = window.setTimeout(() => announce(''), shownMs)
  if (text === '') clearTimeout(timer)
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Announced() {
  const text = useSyncExternalStore(subscribe, () => said)
  return (
    <div className="announced" role="status" aria-live="polite">
      {text !== '' && <p>{text}</p>}
    </div>
  )
}
