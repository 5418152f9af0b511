/** `dray migration priority|policy|edit|delete`. */
import { deleteMigration, editMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { formatLocation } from '../../shared/location.ts'
import { type Priority, policySchema } from '../../shared/policy.ts'
import { confirm, isAsked } from './confirm.ts'
import { parseFollow } from './follow-options.ts'
import { exitCodes, type Io } from './io.ts'
import { followText } from './life-text.ts'
import { knownMigration, policyText } from './migrations.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import { givenPass } from './request.ts'

export async function prioritise(
  id: string,
  priority: Priority,
  options: AskOptions,
  io: Io,
): Promise<number> {
  const migration = await withSomePlane(options, io, (plane) =>
    plane.call(editMigration, { params: { migration: id }, body: { priority } }),
  )
  io.stdout.write(
    options.json ? `${JSON.stringify(migration)}\n` : visible(`${id} has priority ${priority}.\n`),
  )
  return exitCodes.equal
}

export async function police(
  id: string,
  options: AskOptions & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const policy = policySchema.parse(givenPass(options))
  const migration = await withSomePlane(options, io, (plane) =>
    plane.call(editMigration, { params: { migration: id }, body: { policy } }),
  )
  const text = policyText(migration.policy) || 'as usual'
  io.stdout.write(
    options.json ? `${JSON.stringify(migration)}\n` : visible(`The passes of ${id}: ${text}.\n`),
  )
  return exitCodes.equal
}

/** What is not given stays as it is; somebody else's change meanwhile is not undone. */
export async function edit(
  id: string,
  options: AskOptions & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const migration = await withSomePlane(options, io, async (plane) => {
    const before = await knownMigration(plane, id)
    const follow = parseFollow(options, before.follow, plane.workspace)
    if (!follow) {
      throw new DrayError('usage', 'edit', 'nothing says what is to change', {
        hint: 'See dray migration edit --help.',
      })
    }
    const ifMatch = before.revision
    return plane.call(editMigration, { params: { migration: id }, body: { follow } }, { ifMatch })
  })
  io.stdout.write(
    options.json
      ? `${JSON.stringify(migration)}\n`
      : visible(`${id} follows: ${followText(migration.follow)}.\n`),
  )
  return exitCodes.equal
}

export async function remove(id: string, options: AskOptions & { yes?: true }, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const { source, destination, pass } = await knownMigration(plane, id)
    const what = `${id} (${formatLocation(source)} → ${formatLocation(destination)})`
    if (!options.yes) {
      if (!isAsked(io)) {
        throw new DrayError('usage', 'delete', `nobody is there to say that ${id} is to be deleted`, {
          hint: 'Give --yes.',
        })
      }
      const passes = pass
        ? ` with what is known of its ${pass.number === 1 ? 'pass' : `${pass.number} passes`}`
        : ''
      if (!(await confirm(visible(`Delete ${what}${passes}?`), io))) return exitCodes.incomplete
    }
    await plane.call(deleteMigration, { params: { migration: id } })
    io.stdout.write(options.json ? `${JSON.stringify({ deleted: id })}\n` : visible(`Deleted ${what}.\n`))
    return exitCodes.equal
  })
}
