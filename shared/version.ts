/** Of Dray, as package.json says it (a test holds them equal): the control plane cannot read that file. */
export const version = '0.1.0'
