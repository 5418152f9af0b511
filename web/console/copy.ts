/** Puts text on the clipboard. Throws where the browser does not let it. */
export async function copy(text: string): Promise<void> {
  // Only where the page came over HTTPS, or from this machine.
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'hidden'
  const focused = document.activeElement
  document.body.append(area)
  area.select()
  const isDone = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  if (!isDone) throw new Error('the browser did not copy it')
}
