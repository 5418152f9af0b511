import envPaths from 'env-paths'

/** Where a person's own settings are, apart from any state directory: who they are at which control plane, and whom they trust. */
export const configDir = (): string => envPaths('dray', { suffix: '' }).config
