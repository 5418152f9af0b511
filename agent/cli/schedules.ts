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
import { parseHours } from './quantities.ts'
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
    const rows = schedules.map(
      ({ id, migration, starts, cron, at, zone, next, closedUntil, enabled, last }) => [
        id,
        starts === 'life' ? `life of ${migration}` : migration,
        cron ?? at!,
        zone,
        [
          !enabled ? 'disabled' : next[0] === undefined ? 'done' : when(next[0]),
          ...(closedUntil === null ? [] : [`closed until ${when(closedUntil)}`]),
        ].join(', '),
        last === null ? '' : `${last.outcome} at ${when(last.at)}: ${last.message}`,
      ],
    )
    io.stdout.write(visible(table(['NAME', 'MIGRATION', 'WHEN', 'ZONE', 'NEXT', 'LAST'], rows)))
  }
  return exitCodes.equal
}

interface SetOptions extends AskOptions, PassFlags {
  zone: string
  at?: string
  life?: true
  window?: string
  blackout?: string[]
  disabled?: true
}

export async function set(
  name: string,
  migration: string,
  cron: string | undefined,
  options: SetOptions & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const { zone, at, life, window, blackout: blackouts = [], disabled = false } = options
  if ((cron === undefined) === (at === undefined)) {
    throw usage('it is due either again and again or once', 'Give CRON, or --at and a moment.')
  }
  const { kind, ...given } = passFrom(options)
  const pass = kind === 'verify' ? { kind, ...given } : given
  const body = {
    ...{ migration, starts: life ? 'life' : 'pass', cron: cron ?? null, at: at ?? null, zone },
    ...{ window: window === undefined ? null : parseHours(window), blackouts },
    ...{ options: pass, enabled: !disabled },
  }
  const parsed = newScheduleSchema.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw usage(
      `${issue?.path.join('.')}: ${issue?.message}`,
      'For example: dray schedule set nightly photos "0 3 * * *" --zone Europe/Berlin',
    )
  }
  const schedule = await withSomePlane(options, io, (plane) =>
    plane.call(putSchedule, { params: { schedule: name }, body: parsed.data }),
  )
  for (const { schedule: other, at: both } of schedule.collides ?? []) {
    io.stderr.write(
      visible(
        `warning: ${other} is due at the same time, ${when(both)}: whichever comes second is skipped.\n`,
      ),
    )
  }
  if (options.json) io.stdout.write(`${JSON.stringify(schedule)}\n`)
  else {
    const pass = kind === 'verify' ? 'a verification' : given.dryRun ? 'a dry run' : 'a copy'
    const what = life ? 'the life' : pass
    const next = !schedule.enabled
      ? 'disabled'
      : schedule.next[0] === undefined
        ? 'done'
        : `next ${when(schedule.next[0])}`
    const closed = schedule.closedUntil === null ? '' : `; closed until ${when(schedule.closedUntil)}`
    io.stdout.write(
      visible(`${name}: ${what} of ${migration} at ${cron ?? at} (${zone}); ${next}${closed}\n`),
    )
  }
  return exitCodes.equal
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })

export async function remove(name: string, options: AskOptions, io: Io): Promise<number> {
  await withSomePlane(options, io, (plane) => plane.call(deleteSchedule, { params: { schedule: name } }))
  io.stdout.write(options.json ? `${JSON.stringify({ deleted: name })}\n` : visible(`Deleted ${name}.\n`))
  return exitCodes.equal
}

const when = (ms: number): string => new Date(ms).toISOString().replace(/:00\.000Z$|\.\d+Z$/, 'Z')
