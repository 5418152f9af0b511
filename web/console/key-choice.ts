/** Whether single letters do something: not everybody wants that (who speaks to their machine, for one). Kept in this browser. */
export const areKeysOn = (): boolean => localStorage.getItem('keys') !== 'off'
export const setKeys = (on: boolean): void => localStorage.setItem('keys', on ? 'on' : 'off')

/** The event by which a button opens the palette, which may not have been fetched yet. */
export const paletteCalled = 'dray-palette'
