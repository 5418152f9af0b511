/** Of `dray migration`: what begins, ends and tells passes. */
import { type Command, Option } from 'commander'
import { reportFormats } from '../../../shared/api/passes.ts'
import type { RegisterMore } from '../command.ts'
import { passing } from '../moving.ts'
import { ofPass, whole } from '../options.ts'

export const registerPasses: RegisterMore = (one, run) => {
  starting(one('start', 'Start a pass, or go on with an unfinished one of the same options.'))
    .addHelpText('after', startHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-passes.ts')).start(id, options, io)),
    )

  one(
    'watch',
    'Show the progress of the last pass until it is over; Ctrl-C stops watching, and not the pass.',
  )
    .addHelpText('after', watchHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-passes.ts')).watch(id, options, io)),
    )

  one('pause', 'Pause a migration, or its pass that runs: nothing is begun any more, until it is resumed.')
    .option('--stop', 'stop what is at work too, within 3 seconds; parts that are uploaded are kept')
    .addHelpText('after', pauseHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-passes.ts')).pause(id, options, io)),
    )

  one('resume', 'Let what is paused go on.').action((id: string, options) =>
    run(options, async (io) => (await import('../migration-passes.ts')).resume(id, options, io)),
  )

  one('cancel', 'Cancel a migration that follows, or its pass that runs. What it has copied stays.').action(
    (id: string, options) =>
      run(options, async (io) => (await import('../migration-passes.ts')).cancel(id, options, io)),
  )

  one('passes', 'List the passes of a migration, the newest first.')
    .addOption(new Option('--last <n>', 'so many of them').argParser(whole(1, 100_000)).default(20))
    .addHelpText('after', passesHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-history.ts')).passes(id, options, io)),
    )

  one('compare', 'Show what two passes of a migration came to, and what failed in one of them, or in both.')
    .addOption(
      new Option('--from <number>', 'this pass; the one before the other unless given').argParser(
        whole(1, 999_999_999),
      ),
    )
    .addOption(
      new Option('--to <number>', 'beside this one; the last one unless given').argParser(
        whole(1, 999_999_999),
      ),
    )
    .addHelpText('after', compareHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-history.ts')).compare(id, options, io)),
    )

  ofPass(one('report', 'Write the report of a pass: a line for every change and every failure.'))
    .addOption(
      new Option('--format <format>', 'unless given: as the file is named, or else ndjson').choices(
        reportFormats,
      ),
    )
    .option('--output <file>', 'into this file, whole or not at all, and not to standard output')
    .addHelpText('after', reportHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-passes.ts')).report(id, options, io)),
    )
}

function starting(command: Command): Command {
  passing(command)
  command.optionsGroup('Running:')
  return command.option('--watch', 'show its progress until it is over, and exit as `dray copy` does')
}

const pauseHelp = `
What is at work is finished, which takes seconds; listings stop at once, and go on from where they were. Agents stay connected.
While it is paused, nothing is read and nothing is written. A pass that was started by itself is resumed by starting it, too, and by the
schedule's next start; a migration that follows, or is in a checklist, begins no pass until it is resumed.

  $ dray migration pause photos
  $ dray migration resume photos`

const startHelp = `
Examples:
  dray migration start photos
  dray migration start photos --dry-run --watch
  dray migration start photos --verify --depth full --watch

Exit status: 0 it runs; with --watch 0 everything is equal now, 1 some objects failed or differ, or it was cancelled;
2 it could not be started; 130 interrupted: the pass goes on.`

const passesHelp = `
Examples:
  dray migration passes photos
  dray migration passes photos --last 1000 --json | jq '.passes[] | [.number, .counts.objects.failed]'`

const compareHelp = `
Failures are compared by key. What a pass has not come to yet, or was not about, has not failed in it.

Examples:
  dray migration compare photos                    the last pass beside the one before
  dray migration compare photos --from 2 --to 7`

const reportHelp = `
Examples:
  dray migration report photos | jq -r 'select(.outcome == "failed") | .key'
  dray migration report photos --output photos.csv          for a spreadsheet
  dray migration report photos --pass 3 --output photos.ndjson.gz

Each line says what became of an object: copied, deleted, skipped, vanished, failed, and of a verification differs,
missing, extra. What was the same already has no line. In CSV a text that a spreadsheet would take for a formula begins
with '; NDJSON has every key as it is.

Exit status: 0 the report is written, whole; 2 it could not be.`

const watchHelp = `
Exit status: 0 everything is equal now; 1 some objects failed or differ, or it was cancelled; 130 interrupted: the pass goes on.`
