/** `dray migration create`: for a control plane whose agents see the places, which nobody here has to. */
import { isDeepStrictEqual } from 'node:util'
import { type MigrationView, putMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { formatLocation } from '../../shared/location.ts'
import type { Policy, Priority } from '../../shared/policy.ts'
import { parseDefinition } from './definition.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'

export async function createMigration(
  id: string,
  source: string,
  destination: string,
  options: AskOptions & { priority?: Priority } & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const { at, policy } = parseDefinition(source, destination, options)
  const { priority } = options
  const migration = await withSomePlane(options, io, (plane) =>
    plane.call(putMigration, {
      params: { migration: id },
      body: { ...at(plane.workspace), policy, ...(priority && { priority }) },
    }),
  )
  refuseOther(migration, policy, priority)
  if (options.json) io.stdout.write(`${JSON.stringify(migration)}\n`)
  else {
    const places = `${formatLocation(migration.source)} → ${formatLocation(migration.destination)}`
    io.stdout.write(visible(`${id}: ${places}\nStart a pass with: dray migration start ${id}\n`))
  }
  return exitCodes.equal
}

/** It was there already, and is left as it is. */
function refuseOther(migration: MigrationView, policy: Policy, priority = migration.priority): void {
  const { id } = migration
  const isOther = !isDeepStrictEqual(migration.policy, policy)
  if (!isOther && migration.priority === priority) return
  const [what, hint] = isOther
    ? ['policy', `Change it: dray migration policy ${id} and the same options`]
    : ['priority', `Change it: dray migration priority ${id} ${priority}`]
  throw new DrayError('busy', 'create', `the migration ${id} is there already, with another ${what}`, {
    hint,
  })
}
