/** Whether single letters do something: not everybody wants that (who speaks to their machine, for one). Kept in this browser. */
export const areKeysOn = (): boolean => localStorage.getItem('keys') !== 'off'
export const setKeys = (on: boolean): void => localStorage.setItem('keys', on ? 'on' : 'off')

/** The event by which a button opens the palette. */
export const paletteCalled = 'dray-palette'
let isCalled = false

/** The palette may not have been fetched yet: then it opens as soon as it is there. */
export function callPalette(): void {
  isCalled = true
  dispatchEvent(new Event(paletteCalled))
}

/** Whether it was called since this was asked last. */
export function wasPaletteCalled(): boolean {
  const was = isCalled
  isCalled = false
  return was
}
