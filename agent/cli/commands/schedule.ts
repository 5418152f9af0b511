import type { Register } from '../command.ts'
import { passing } from '../moving.ts'
import { asking, collect } from '../options.ts'

export const registerSchedule: Register = (program, run) => {
  const group = program
    .command('schedule')
    .description('When passes of migrations begin by themselves.')
    .helpCommand(false)
    .addHelpText('after', groupHelp)

  asking(group.command('list'))
    .description('List the schedules: when each is due next, and what became of it the last time.')
    .action((options) => run(options, async (io) => (await import('../schedules.ts')).listAll(options, io)))

  passing(
    asking(
      group
        .command('set')
        .argument('<NAME>', 'of the schedule')
        .argument('<ID>', 'of the migration')
        .argument('[CRON]', 'minute, hour, day of the month, month, day of the week: "0 3 * * mon-fri"'),
    )
      .description('Set a schedule, in place of the one that has this name.')
      .option('--zone <name>', 'whose clocks it goes by, such as Europe/Berlin', 'UTC')
      .option('--at <moment>', 'once, instead of CRON: 2026-12-01T22:00:00+01:00')
      .option('--life', 'start the life of the migration: backfill, and then follow')
      .option(
        '--window <hours>',
        "what it has started is paused outside of these, and nothing starts: 22:00-06:00, 'Mon-Fri 22:00-06:00'",
      )
      .option(
        '--blackout <date>',
        'nothing starts on this day, and whatever runs is paused: 2026-12-24, 2026-12-24..2026-12-26; can be repeated',
        collect,
      )
      .option('--disabled', 'starts nothing, until it is set without this'),
  )
    .addHelpText('after', setHelp)
    .action((name: string, migration: string, cron: string | undefined, options) =>
      run(options, async (io) => (await import('../schedules.ts')).set(name, migration, cron, options, io)),
    )

  asking(group.command('delete').argument('<NAME>', 'of the schedule'))
    .description('Delete a schedule. A pass that it has started goes on.')
    .action((name: string, options) =>
      run(options, async (io) => (await import('../schedules.ts')).remove(name, options, io)),
    )
}

const groupHelp = `
Examples:
  dray schedule set nightly photos '0 3 * * *' --zone Europe/Berlin
  dray schedule set weekly-check photos '0 6 * * sun' --verify
  dray schedule list

A pass that is still running is not joined by another: that time is skipped. What was missed while the control plane was
away is made good once. What a schedule has paused goes on by itself, unless somebody has resumed it before.`

const setHelp = `
Examples:
  dray schedule set nightly photos '0 3 * * *' --zone Europe/Berlin
  dray schedule set weekly-check photos '0 6 * * sun' --verify --depth full
  dray schedule set nights photos '0 22 * * *' --window 22:00-06:00 --blackout 2026-12-24..2026-12-26 --zone Europe/Berlin
  dray schedule set begin photos --life --at 2026-12-01T22:00:00+01:00`
