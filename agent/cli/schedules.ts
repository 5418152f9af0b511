/** `dray schedule list|set|delete`. */
import {
  deleteSchedule,
  listSchedules,
  newScheduleSchema,
  putSchedule,
  type ScheduleView,
} from '../../shared/api/schedules.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import { type PassFlags, passFrom } from './request.ts'
import { table } from './table.ts'

export async function listAll(options: AskOptions, io: Io): Promise<number> {
  const schedules = await withSomePlane(options, io, async (plane) => {
    const found: ScheduleView[] = []
    for await (const page of plane.pages(listSchedules, {})) found.push(...page.schedules)
    return found
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ schedules })}\n`)
  else if (schedules.length === 0) {
    io.stdout.write('There are no schedules yet. Make one with: dray schedule set NAME ID CRON\n')
  } else {
    const rows = schedules.map(({ id, migration, cron, zone, next, last }) => [
      id,
      migration,
      cron,
      zone,
      next[0] === undefined ? 'disabled' : when(next[0]),
      last === null ? '' : `${last.outcome} at ${when(last.at)}: ${last.message}`,
    ])
    io.stdout.write(visible(table(['NAME', 'MIGRATION', 'WHEN', 'ZONE', 'NEXT', 'LAST'], rows)))
  }
  return exitCodes.equal
}

interface SetOptions extends AskOptions, PassFlags {
  zone: string
  disabled?: true
}

export async function set(
  name: string,
  migration: string,
  cron: string,
  options: SetOptions & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const { zone, disabled = false } = options
  const { kind, ...given } = passFrom(options)
  const pass = kind === 'verify' ? { kind, ...given } : given
  const body = { migration, cron, zone, options: pass, enabled: !disabled }
  const parsed = newScheduleSchema.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new DrayError('usage', 'read the arguments', `${issue?.path.join('.')}: ${issue?.message}`, {
      hint: 'For example: dray schedule set nightly photos "0 3 * * *" --zone Europe/Berlin',
    })
  }
  const schedule = await withSomePlane(options, io, (plane) =>
    plane.call(putSchedule, { params: { schedule: name }, body }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify(schedule)}\n`)
  else {
    const what = kind === 'verify' ? 'a verification' : given.dryRun ? 'a dry run' : 'a copy'
    const next = schedule.next[0] === undefined ? 'disabled' : `next ${when(schedule.next[0])}`
    io.stdout.write(visible(`${name}: ${what} of ${migration} at ${cron} (${zone}); ${next}\n`))
  }
  return exitCodes.equal
}

export async function remove(name: string, options: AskOptions, io: Io): Promise<number> {
  await withSomePlane(options, io, (plane) => plane.call(deleteSchedule, { params: { schedule: name } }))
  io.stdout.write(options.json ? `${JSON.stringify({ deleted: name })}\n` : visible(`Deleted ${name}.\n`))
  return exitCodes.equal
}

const when = (ms: number): string => new Date(ms).toISOString().replace(/:00\.000Z$|\.\d+Z$/, 'Z')
