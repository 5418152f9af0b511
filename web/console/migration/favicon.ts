/** The picture on the browser's tab: how a migration stands, as a shape and a colour. */
import { useEffect } from 'react'
import type { StateOf } from '../texts/migration.ts'

const shapes: Readonly<Record<StateOf, string>> = {
  new: '<circle cx="8" cy="8" r="6" fill="none" stroke="#6b7178" stroke-width="2"/>',
  running: '<circle cx="8" cy="8" r="7" fill="#3f8fcb"/><path d="M6 4l6 4-6 4z" fill="#fff"/>',
  complete:
    '<rect x="1" y="1" width="14" height="14" rx="3" fill="#2e8b57"/><path d="M4 8l3 3 5-6" fill="none" stroke="#fff" stroke-width="2"/>',
  incomplete:
    '<path d="M8 0l8 8-8 8-8-8z" fill="#d0433a"/><path d="M8 4v5M8 11v1.5" stroke="#fff" stroke-width="2"/>',
  cancelled:
    '<circle cx="8" cy="8" r="6" fill="none" stroke="#6b7178" stroke-width="2"/><path d="M4 12l8-8" stroke="#6b7178" stroke-width="2"/>',
}

const plain = 'data:,'

/** While the page is there. */
export function useFavicon(state: StateOf | null): void {
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')
    if (!icon || !state) return
    const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${shapes[state]}</svg>`
    icon.href = `data:image/svg+xml,${encodeURIComponent(picture)}`
    return () => {
      icon.href = plain
    }
  }, [state])
}
