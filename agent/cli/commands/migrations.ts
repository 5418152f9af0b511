import { type Command, Option } from 'commander'
import { failureStates } from '../../../shared/api/failures.ts'
import { reportFormats } from '../../../shared/api/passes.ts'
import { priorities } from '../../../shared/policy.ts'
import type { Register } from '../command.ts'
import { fidelityOptions } from '../fidelity-options.ts'
import { archives, choosing, doing, mapping, passing, places, policing, withoutDefaults } from '../moving.ts'
import { asking, whole } from '../options.ts'

export const registerMigrations: Register = (program, run) => {
  asking(program.command('migrations'))
    .description('List the migrations that a control plane knows.')
    .addHelpText('after', migrationsHelp)
    .action((options) =>
      run(options, async (io) => (await import('../migrations.ts')).runMigrations(options, io)),
    )

  const group = program
    .command('migration')
    .description('Make migrations, and start, watch and end their passes; `dray migration ID` shows one.')
    .helpCommand(false)
    .addHelpText('after', groupHelp)
  const one = (name: string, description: string, isDefault = false) =>
    asking(group.command(name, { isDefault }).argument('<ID>', 'as `dray migrations` shows it')).description(
      description,
    )

  one('show', 'Show one migration: its places, its last pass, what failed and why.', true)
    .addHelpText('after', showHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migrations.ts')).runMigration(id, options, io)),
    )

  creating(
    asking(
      group.command('create').argument('<ID>', 'what it is to be called: lower-case letters, digits and "-"'),
    ).description('Make a migration. Its passes do what the options say, unless they are told otherwise.'),
  )
    .addHelpText('after', createHelp)
    .action((id: string, source: string, destination: string, options) =>
      run(options, async (io) =>
        (await import('../migration-create.ts')).createMigration(id, source, destination, options, io),
      ),
    )

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

  one('pause', 'Pause the pass that runs: nothing is begun any more, until it is resumed.')
    .option('--stop', 'stop what is at work too, within 3 seconds; parts that are uploaded are kept')
    .addHelpText('after', pauseHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-passes.ts')).pause(id, options, io)),
    )

  one('resume', 'Let a paused pass go on.').action((id: string, options) =>
    run(options, async (io) => (await import('../migration-passes.ts')).resume(id, options, io)),
  )

  one('cancel', 'Cancel the pass that runs. What it has copied stays.').action((id: string, options) =>
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

  choosingFailures(ofPass(one('failures', 'List what failed in a pass: each object, or by cause.')))
    .addOption(new Option('--state <state>', 'only those that are').choices(failureStates))
    .option('--causes', 'by cause, with what can be done about each')
    .option('--output <file>', 'into this file, .csv or .ndjson')
    .addOption(
      new Option('--format <format>', 'of the file, or of standard output').choices(['csv', 'ndjson']),
    )
    .addHelpText('after', failuresHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-failures.ts')).failures(id, options, io)),
    )

  choosingFailures(ofPass(one('retry', 'Start a pass over what failed, and nothing else.')))
    .addOption(
      new Option('--as <kind>', 'what it does, where that is not what the pass did').choices([
        'copy',
        'verify',
      ]),
    )
    .option('--watch', 'show its progress until it is over, and exit as `dray copy` does')
    .addHelpText('after', retryHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-failures.ts')).retry(id, options, io)),
    )

  choosingFailures(ofPass(one('waive', 'Say that what failed may stay as it is, and why.')))
    .option('--reason <text>', 'why; it is told with each of them, and in the audit log')
    .option('--take-back', 'they are open again')
    .addHelpText('after', waiveHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-failures.ts')).waive(id, options, io)),
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

  one('priority', 'Say what share of the agents a migration gets, beside others: 1 to 4 to 16.')
    .addArgument(group.createArgument('<priority>', priorities.join(', ')).choices(priorities))
    .action((id: string, priority: (typeof priorities)[number], options) =>
      run(options, async (io) =>
        (await import('../migration-edit.ts')).prioritise(id, priority, options, io),
      ),
    )

  policing(
    one('policy', 'Say what the passes of a migration do, unless they are told otherwise: all of it, anew.'),
  )
    .addHelpText('after', policyHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-edit.ts')).police(id, options, io)),
    )

  one('delete', 'Delete a migration with its passes, reports and schedules. What it has copied stays.')
    .option('--yes', 'do not ask')
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-edit.ts')).remove(id, options, io)),
    )
}

const choosingFailures = (command: Command): Command =>
  command
    .addOption(
      new Option('--cause <number>', 'only those of this cause, as --causes numbers them').argParser((text) =>
        String(whole(1, 999_999_999)(text)),
      ),
    )
    .option('--prefix <prefix>', 'only those whose key begins so')
    .option('--text <text>', 'only those whose key or message holds this; A to Z in any case')

const ofPass = (command: Command): Command =>
  command.addOption(
    new Option('--pass <number>', 'this one; the last one unless given').argParser(whole(1, 999_999_999)),
  )

function creating(command: Command): Command {
  defining(command)
  command.optionsGroup('Running:')
  return command.addOption(
    new Option('--priority <priority>', 'share of the agents, beside others').choices(priorities),
  )
}

/** SRC, DST, and all that a migration is. */
export function defining(command: Command): Command {
  const own = [...command.options]
  command
    .argument('<SRC>', 's3://bucket/prefix, or a directory of a site')
    .argument('<DST>', 's3://bucket/prefix, or a directory of a site')
  command.optionsGroup('What is moved:')
  choosing(command)
  command.option('--only <key>', 'one single object, by its key below SRC')
  command.optionsGroup(
    'What its passes do, unless they are told otherwise (what is not given is as `dray copy` has it):',
  )
  doing(command)
  command.optionsGroup('What of an object goes along besides its bytes:')
  fidelityOptions(command)
  command.optionsGroup('Archived objects:')
  archives(command)
  command.optionsGroup('Other keys in DST, and lists of keys:')
  mapping(command)
  command.optionsGroup('The two places:')
  for (const side of ['source', 'destination'] as const) {
    const place = side === 'source' ? 'SRC' : 'DST'
    command
      .option(
        `--${side}-connection <name>`,
        `how agents reach ${place}, as \`dray connection list\` shows it`,
      )
      .option(`--${side}-site <name>`, `where ${place} is: only agents of this site reach it`)
  }
  places(command)
  return withoutDefaults(
    command,
    command.options.filter((option) => !own.includes(option)),
  )
}

function starting(command: Command): Command {
  passing(command)
  command.optionsGroup('Running:')
  return command.option('--watch', 'show its progress until it is over, and exit as `dray copy` does')
}

const groupHelp = `
Examples:
  dray migration create photos s3://old s3://new --source-connection old --destination-connection new
  dray migration start photos --watch
  dray migration photos
  dray migration failures photos --causes
  dray migration retry photos --watch`

const migrationsHelp = `
Examples:
  dray migrations
  dray migrations --control-plane https://dray.example.com --token-file ~/operator.token`

const showHelp = `
Examples:
  dray migration 3f2a91c04be7d510
  dray migration 3f2a91c04be7d510 --json`

const createHelp = `
Nothing is looked at from here: SRC and DST are what agents see. A directory is an absolute path at a site.
The same command again changes nothing; a migration that is defined otherwise keeps its name (exit status 2).

Examples:
  dray migration create photos s3://old/2026 s3://new/2026 --source-connection old --destination-connection new
  dray migration create archive /srv/archive s3://archive --source-site paris --destination-connection new --delete
  dray migration create public s3://open-data s3://mine --source-anonymous --destination-connection new`

const pauseHelp = `
What is at work is finished, which takes seconds; listings stop at once, and go on from where they were. Agents stay connected.
While it is paused, nothing is read and nothing is written; starting it resumes it, and so does the schedule's next start.

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

const failuresHelp = `
A failure is open until it is retried, waived, or a later pass has looked at everything.

Examples:
  dray migration failures photos --causes
  dray migration failures photos --cause 2 --prefix 2019/
  dray migration failures photos --state open --output open.csv

A CSV is for spreadsheets: a cell that begins like a formula is written with a ' before it. NDJSON is exact.`

const retryHelp = `
Without a choice it is all that is open of the pass and of those that it retries, and the packets that could not be worked on.
It is complete only if nothing of that is open any more. What is waived is not tried again.

Examples:
  dray migration retry photos --watch
  dray migration retry photos --cause 2
  dray migration retry photos --as copy           repairs what a verification found

Exit status: 0 it runs; with --watch 0 nothing is open any more, 1 something is; 2 it could not be started, or nothing is open.`

const waiveHelp = `
What is waived counts as settled: a pass of which nothing else is left is complete. In the next passes the waiver holds for the same
objects as long as they fail for the same cause. Without a choice it is all that is open in the pass.

Examples:
  dray migration waive photos --cause 2 --reason 'links into a tree that is not moved'
  dray migration waive photos --prefix tmp/ --reason 'nobody needs these'
  dray migration waive photos --cause 2 --take-back`

const policyHelp = `
Examples:
  dray migration policy photos --delete --compare mtime
  dray migration policy photos                      as usual again`

const watchHelp = `
Exit status: 0 everything is equal now; 1 some objects failed or differ, or it was cancelled; 130 interrupted: the pass goes on.`
