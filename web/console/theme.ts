/** Dark or light: what the viewer chose, else what their system says. Kept in this browser. */
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
