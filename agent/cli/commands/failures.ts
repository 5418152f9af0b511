/** Of `dray migration`: what failed, and what is to become of it. */
import { type Command, Option } from 'commander'
import { failureStates } from '../../../shared/api/failures.ts'
import type { RegisterMore } from '../command.ts'
import { ofPass, whole } from '../options.ts'

export const registerFailures: RegisterMore = (one, run) => {
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
