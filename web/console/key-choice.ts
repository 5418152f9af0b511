/** Whether single letters do something: not everybody wants that (who speaks to their machine, for one). Kept in this browser. */
export const areKeysOn = (): boolean => localStorage.getItem('keys') !== 'off'
export const setKeys = (on: boolean): void => localStorage.setItem('keys', on ? 'on' : 'off')
