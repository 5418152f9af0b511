/** The catalogue: what operators configure and list. What a running pass does is its object's alone. */
export * from './tables/audit.ts'
export * from './tables/connections.ts'
export * from './tables/limits.ts'
export * from './tables/migrations.ts'
export * from './tables/people.ts'
export * from './tables/sites.ts'
export * from './tables/webhooks.ts'
export * from './tables/workspaces.ts'
