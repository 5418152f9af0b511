/** Dark or light: what the viewer chose, else what their system says. Kept in this browser. */
import { useSyncExternalStore } from 'react'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

export const theme = (): Theme => themes.find((one) => one === localStorage.getItem('theme')) ?? 'system'

export function setTheme(chosen: Theme): void {
  localStorage.setItem('theme', chosen)
  apply()
}

export function apply(): void {
  const chosen = theme()
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}

const dark = matchMedia('(prefers-color-scheme: dark)')

function subscribe(changed: () => void): () => void {
  const chosen = new MutationObserver(changed)
  chosen.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
  dark.addEventListener('change', changed)
  return () => {
    chosen.disconnect()
    dark.removeEventListener('change', changed)
  }
}

/** What is seen now, for what is drawn in its colours. */
export const useTheme = (): 'light' | 'dark' =>
  useSyncExternalStore(subscribe, () => {
    const chosen = theme()
    return chosen === 'system' ? (dark.matches ? 'dark' : 'light') : chosen
  })
