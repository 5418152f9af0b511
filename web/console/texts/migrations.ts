/** What the list of migrations says. */
export const migrationsTexts = {
  search: 'Name holds',
  state: 'State',
  any: 'any',
  order: 'Order of those shown',
  orders: {
    newest: 'newest first',
    name: 'by name',
    failed: 'most failures first',
    bytes: 'most bytes first',
  },
  newMigration: 'New migration',
  none: 'No migration is like that.',
  clear: 'Show all',
  keys: 'j and k move from one to the next, Enter opens it, / searches.',
  columns: {
    migration: 'Migration',
    state: 'State',
    done: 'Done',
    objects: 'Objects',
    bytes: 'Bytes copied',
    failed: 'Failed',
    created: 'Created',
  },
  progress: (share: string, id: string) => `${share} of ${id} is settled`,
} as const
