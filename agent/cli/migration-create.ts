/** `dray migration create`: for a control plane whose agents see the places, which nobody here has to. */
import { isDeepStrictEqual } from 'node:util'
import { type MigrationView, putMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { defaultFollow } from '../../shared/life.ts'
import { formatLocation } from '../../shared/location.ts'
import type { Priority } from '../../shared/policy.ts'
import { parseDefinition } from './definition.ts'
import { parseFollow } from './follow-options.ts'
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
  const migration = await withSomePlane(options, io, async (plane) => {
    const follow = parseFollow(options, defaultFollow, plane.workspace)
    const made = await plane.call(putMigration, {
      params: { migration: id },
      body: { ...at(plane.workspace), policy, ...(priority && { priority }), ...(follow && { follow }) },
    })
    refuseOther(made, { policy, follow: follow ?? defaultFollow, priority: priority ?? made.priority })
    return made
  })
  if (options.json) io.stdout.write(`${JSON.stringify(migration)}\n`)
  else {
    const places = `${formatLocation(migration.source)} → ${formatLocation(migration.destination)}`
    io.stdout.write(
      visible(
        `${id}: ${places}\nStart a pass with: dray migration start ${id}\nOr follow what changes: dray migration follow ${id}\n`,
      ),
    )
  }
  return exitCodes.equal
}

/** It was there already, and is left as it is. */
function refuseOther(
  migration: MigrationView,
  asked: Pick<MigrationView, 'policy' | 'follow' | 'priority'>,
): void {
  const { id } = migration
  const hints = {
    policy: `Change it: dray migration policy ${id} and the same options`,
    follow: `Change it: dray migration edit ${id} and the same options`,
    priority: `Change it: dray migration priority ${id} ${asked.priority}`,
  }
  const what = (Object.keys(hints) as (keyof typeof hints)[]).find(
    (name) => !isDeepStrictEqual(migration[name], asked[name]),
  )
  if (what === undefined) return
  const other = what === 'follow' ? 'way to follow' : what
  throw new DrayError('busy', 'create', `the migration ${id} is there already, with another ${other}`, {
    hint: hints[what],
  })
}
