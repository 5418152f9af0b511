/** Of `dray migration`: its life, from the first pass to the last. */
import { Argument, type Command, Option } from 'commander'
import { cutOverSteps } from '../../../shared/life.ts'
import { depths } from '../../../shared/policy.ts'
import type { RegisterMore } from '../command.ts'
import { shareOrNone } from '../follow-options.ts'
import { whole } from '../options.ts'

export const registerLife: RegisterMore = (one, run) => {
  one(
    'life',
    'Show where a migration stands: how late it is, what it does next, its checklist, what can be done now.',
  )
    .addHelpText('after', lifeHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).show(id, options, io)),
    )

  one(
    'follow',
    'Backfill, and then follow: passes repeat, and changes that are told of are done at once, until a cut-over.',
  )
    .addHelpText('after', followHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).follow(id, options, io)),
    )

  one('verify', 'Compare both sides now, between two passes that follow.')
    .addOption(new Option('--depth <depth>', 'how far; unless given, as the migration says').choices(depths))
    .addOption(
      new Option(
        '--sample <share>',
        'of the objects, read in full on both sides besides: 5%, or none',
      ).argParser(shareOrNone),
    )
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).verify(id, options, io)),
    )

  walking(
    one(
      'cut-over',
      'Walk the checklist that ends with the application at DST, with proof. Nothing is switched by it.',
    ),
  )
    .addHelpText('after', cutOverHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).beginCutOver(id, options, io)),
    )

  one('step', 'Answer a step of the checklist.')
    .addArgument(new Argument('<step>', cutOverSteps.join(', ')).choices(cutOverSteps))
    .option('--declare', 'the freeze holds: nobody writes to the side that is left')
    .option('--retry', 'look again')
    .option('--waive <reason>', 'let it be (open uploads); it is recorded with your name')
    .addHelpText('after', stepHelp)
    .action((id: string, step: (typeof cutOverSteps)[number], options) =>
      run(options, async (io) => (await import('../life.ts')).step(id, step, options, io)),
    )

  one('switch', 'Say that the application uses the other side from now on, once the checklist holds.')
    .addHelpText('after', switchHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).switchTo(id, options, io)),
    )

  walking(
    one(
      'roll-back',
      'After a cut-over: walk the checklist of the way back, which brings along what was written at DST since.',
    ),
  )
    .addHelpText('after', rollBackHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).beginRollBack(id, options, io)),
    )

  one(
    'abandon',
    'Leave the checklist of a cut-over or a roll-back, and follow as before. Writers may go on where they were.',
  ).action((id: string, options) =>
    run(options, async (io) => (await import('../life.ts')).abandon(id, options, io)),
  )

  one('close', 'Stop following, for good, after a cut-over or a roll-back.')
    .option('--yes', 'do not ask')
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).close(id, options, io)),
    )

  one('deletes', 'Answer a pass that waits, since it would delete more than its cap.')
    .addOption(
      new Option('--allow <number>', 'so many objects may be deleted').argParser(whole(1, 999_999_999)),
    )
    .option('--leave', 'none, in this pass')
    .addHelpText('after', deletesHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../life.ts')).deletes(id, options, io)),
    )

  one('changes', 'Tell of objects that have changed, so that they need not wait for the next pass.')
    .argument('[KEY...]', 'whole keys, as they are in the bucket')
    .option('--file <file>', 'a notification as a store posts it, JSON; - is standard input')
    .addOption(
      new Option('--side <side>', 'where they have changed')
        .choices(['source', 'destination'])
        .default('source'),
    )
    .addHelpText('after', changesHelp)
    .action((id: string, keys: string[], options) =>
      run(options, async (io) => (await import('../life.ts')).changes(id, keys, options, io)),
    )
}

const walking = (command: Command): Command =>
  command
    .option('--wait', 'do not return before it is ready, or somebody has to do something')
    .option('--declare-freeze', 'say that every writer has stopped already, and wait')

const lifeHelp = `
A migration lives like this: draft, surveying, backfilling, following, verifying, ready, cut-over, closed. From a cut-over the way
back is open until it is closed. In the checklist: [x] holds, [.] is being done, [?] asks you, [!] does not hold, [~] waived.

Examples:
  dray migration life photos
  dray migration life photos --json | jq .lag.age`

const followHelp = `
The first pass copies what is there; then passes repeat, at a pace that adapts to how much changes. --events at \`dray migration create\`
or \`dray migration edit\` lets them be heard of at once. What it deletes at DST: \`dray migration policy\`.

Examples:
  dray migration create photos s3://old s3://new --delete --pause-at-least 10s --events webhook
  dray migration follow photos
  dray migration life photos`

const cutOverHelp = `
Steps, in their order: lag, failures, freeze, uploads, last-pass, quiet, verification, certificate, switch. At a terminal each is told
as it is done, and the freeze is asked for: stop every writer first, then say yes. Ctrl-C leaves; the same command goes on.
Then let the application use DST, and say so with \`dray migration switch\`. Until then \`dray migration abandon\` goes back to following.

Examples:
  dray migration cut-over photos
  ./stop-writers.sh && dray migration cut-over photos --declare-freeze && ./use-new.sh && dray migration switch photos

Exit status: 0 it is ready (or begun, without --wait and without a terminal); 1 somebody has to do something first: it says what;
2 it cannot begin; 130 interrupted: the checklist goes on.`

const rollBackHelp = `
SRC has followed DST since the cut-over, so little is left to do. What somebody changed at SRC meanwhile is a conflict: never overwritten,
never deleted, told by \`dray migration failures\`. Before a cut-over nothing has to be brought back: it stops following.

Examples:
  dray migration roll-back photos
  ./stop-writers.sh && dray migration roll-back photos --declare-freeze && ./use-old.sh && dray migration switch photos

Exit status: as of \`dray migration cut-over\`.`

const stepHelp = `
Examples:
  dray migration step photos freeze --declare
  dray migration step photos uploads --waive 'of a client that was thrown away in May'
  dray migration step photos failures --retry`

const switchHelp = `
Nothing of the application is touched: move it first, then say so. From then on SRC follows DST, so that a roll-back loses nothing.`

const deletesHelp = `
A pass that deletes counts first, and asks where that is more than --max-delete of the policy (half of what is in DST unless told).
Until it is answered nothing is deleted; all else goes on. Look at what is missing before you allow it: an empty SRC may be a disk that
is not mounted.

Examples:
  dray migration deletes photos --allow 12000
  dray migration deletes photos --leave`

const changesHelp = `
A change that nobody tells of costs time and nothing else: the next pass finds it.

Examples:
  dray migration changes photos 2026/a.jpg 2026/b.jpg
  aws sqs receive-message … | jq '.Messages[].Body | fromjson' | dray migration changes photos --file -`
