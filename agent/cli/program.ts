/** The command line's grammar and its help. Each command's work is in a file of its own, loaded when it is asked for. */
import { hostname, totalmem } from 'node:os'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { DrayError } from '../../shared/error.ts'
import { unmatchedPolicies } from '../../shared/mapping.ts'
import {
  archivedPolicies,
  compares,
  depths,
  restoreTiers,
  serverSideCopies,
  symlinkPolicies,
  versionPolicies,
} from '../../shared/policy.ts'
import { leastBudget, usualBudget } from '../core/budget.ts'
import { fidelityOptions, tagsOption } from './fidelity-options.ts'
import { exitCodes, type Io } from './io.ts'

/** What is asked of the process: everything but where the state is, which is an option of each command. */
export type ProcessIo = Omit<Io, 'stateDir'> & {
  /** Absolute, for what the option says; undefined where it is not given. */
  stateDirFor(option: string | undefined): string
}

/** Runs one command line, without the program's name; returns the exit status, or throws. */
export async function runProgram(args: string[], process: ProcessIo): Promise<number> {
  let code: number = exitCodes.equal
  const io = (options: { stateDir?: string }): Io => ({
    ...process,
    stateDir: process.stateDirFor(options.stateDir),
  })
  const program = describe(process)

  for (const kind of ['copy', 'verify'] as const) {
    moving(program, kind).action(
      async (source: string, destination: string, options: { stateDir?: string }) => {
        const { parseRequest } = await import('./request.ts')
        const request = parseRequest(kind, source, destination, options, process.cwd)
        const { runPass } = await import('./run-pass.ts')
        code = await runPass(request, io(options))
      },
    )
  }
  up(program).action(async (options) => {
    const { runUp } = await import('./up.ts')
    code = await runUp(options, io(options))
  })
  agent(program).action(async (options) => {
    const { runAgent } = await import('./join.ts')
    code = await runAgent(options, io(options))
  })
  looking(
    program.command('migrations'),
    'List the migrations that a control plane knows.',
    migrationsHelp,
  ).action(async (options) => {
    const { runMigrations } = await import('./migrations.ts')
    code = await runMigrations(options, io(options))
  })
  looking(
    program.command('migration').argument('<ID>', 'as `dray migrations` shows it'),
    'Show one migration: its places, its last pass, what failed and why.',
    migrationHelp,
  ).action(async (id: string, options) => {
    const { runMigration } = await import('./migrations.ts')
    code = await runMigration(id, options, io(options))
  })
  program.action(async () => {
    if (program.args.length > 0) throw unknownCommand(program.args[0]!)
    const { runDemonstration } = await import('./demonstration.ts')
    code = await runDemonstration(io({}))
  })

  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version were asked for and are printed already.
    if (error.exitCode === 0) return exitCodes.equal
    throw misused(error, args)
  }
}

function describe(process: ProcessIo): Command {
  return (
    new Command('dray')
      .description(
        'Moves object storage: buckets and directories, between stores, with proof that nothing was lost.\n' +
          'Without a command: a demonstration on a throw-away S3 server, which touches nothing of yours.',
      )
      .version(process.version, '--version', 'print the version')
      .helpOption('-h, --help', 'show this')
      .helpCommand('help [command]', 'show the help of a command')
      .exitOverride()
      .configureOutput({
        writeOut: (text) => process.stdout.write(text),
        // Errors are said once, by whoever ends the program.
        writeErr: () => {},
      })
      .addHelpText('after', programHelp)
      // A word that is no command is told below, better than as an argument too many.
      .allowExcessArguments(true)
  )
}

function moving(program: Command, kind: 'copy' | 'verify'): Command {
  const command = program
    .command(kind)
    .argument('<SRC>', 'a directory, a file, s3://bucket, s3://bucket/prefix or s3://bucket/object')
    .argument('<DST>', 'a directory, s3://bucket or s3://bucket/prefix')
    .description(
      kind === 'copy'
        ? 'Copy what is in SRC and not yet, or not equally, in DST. Run again after an interruption, it goes on.'
        : 'Compare SRC with DST, and change nothing.',
    )
  for (const side of ['source', 'destination'] as const) {
    const place = side === 'source' ? 'SRC' : 'DST'
    command
      .option(`--${side}-profile <name>`, `AWS profile for ${place} (keys, region, endpoint_url)`)
      .option(`--${side}-endpoint <url>`, `S3 endpoint of ${place}, if it is not AWS`)
      .option(`--${side}-region <name>`, `region of ${place}`)
      .option(`--${side}-customer-key <name>`, `key for objects of ${place} encrypted with your own (SSE-C)`)
  }
  command
    .option('--source-anonymous', 'read SRC, a public bucket, without credentials')
    .option('--source-requester-pays', 'pay for what is read of SRC, a bucket that asks for it')
    .option('--include <glob>', 'only what matches; can be repeated', collect)
    .option('--exclude <glob>', 'not what matches; can be repeated, and wins over --include', collect)
    .addOption(
      new Option(
        '--symlinks <policy>',
        'links in a directory: leave them out, or copy the files that they lead to',
      )
        .choices(symlinkPolicies)
        .default('skip'),
    )
  command.addOption(
    new Option(
      '--versions <which>',
      'the newest version of each object; or all of them, and delete markers, in order (both sides buckets, DST with versioning)',
    )
      .choices(versionPolicies)
      .default('newest'),
  )
  mappingOptions(command)
  if (kind === 'copy') {
    fidelityOptions(command)
      .option('--dry-run', 'count what a copy would do, and change nothing')
      .option('--delete', 'delete in DST what SRC does not have')
      .addOption(
        new Option(
          '--compare <how>',
          'when equal sizes are the same; auto: ETags, else what is known from before, else times; checksum: hash where ETags do not tell; mtime: times; full: every byte',
        )
          .choices(compares)
          .default('auto'),
      )
      .addOption(
        new Option(
          '--server-side-copy <policy>',
          'auto: where SRC and DST are one store, it copies by itself',
        )
          .choices(serverSideCopies)
          .default('auto'),
      )
      .addOption(
        new Option(
          '--archived <policy>',
          'of objects in GLACIER and the like: fail, leave out, or restore and wait',
        )
          .choices(archivedPolicies)
          .default('fail'),
      )
      .addOption(
        new Option('--restore-days <number>', 'how long restored copies stay')
          .argParser(whole(1, 365))
          .default(7),
      )
      .addOption(
        new Option('--restore-tier <tier>', 'how fast, and how dear, a restore is')
          .choices(restoreTiers)
          .default('Standard'),
      )
  } else {
    command
      .addOption(
        new Option(
          '--depth <depth>',
          'listing: sizes and ETags; checksum: contents where those do not prove it; full: every byte',
        )
          .choices(depths)
          .default('checksum'),
      )
      .addOption(tagsOption())
      .option('--one-way', 'do not mind what is only in DST')
  }
  return common(command)
    .addOption(concurrency())
    .addOption(memory())
    .option('--json', 'print one JSON object as the last line of standard output')
    .addHelpText('after', kind === 'copy' ? copyHelp : verifyHelp)
}

function mappingOptions(command: Command): void {
  command
    .option('--map-to <template>', 'what a key of SRC becomes in DST, such as {id[0:2]}/{id}/{name}')
    .option('--map-pattern <regex>', 'what a key must be for that; its named groups are for the template')
    .option('--map-prefix <from=to>', 'keys that begin with FROM begin with TO in DST')
    .addOption(
      new Option(
        '--map-unmatched <policy>',
        'keys that the mapping does not match: each a failure (the default), left out, or copied as they are',
      ).choices(unmatchedPolicies),
    )
    .option('--manifest <file>', 'only the keys that this CSV or NDJSON lists; a path or s3://bucket/key')
    .option('--manifest-columns <names>', 'of a CSV without a header: key, version, newKey, bucket or -')
    .addOption(
      new Option(
        '--manifest-keys <how>',
        'whether its keys are escaped as in URLs (default: where it names buckets)',
      ).choices(['plain', 'url']),
    )
}

function up(program: Command): Command {
  return common(program.command('up'))
    .description('Keep a control plane and an agent running on this machine, and print the address.')
    .addOption(
      new Option('--port <number>', 'where to listen; 0: any free port')
        .argParser(whole(0, 65_535))
        .default(8686),
    )
    .option('--host <address>', 'the address of this machine to listen on', '127.0.0.1')
    .addOption(concurrency())
    .addOption(memory())
    .addHelpText('after', upHelp)
}

function agent(program: Command): Command {
  return common(program.command('agent'))
    .description('Run an agent that works for a control plane somewhere else.')
    .requiredOption('--control-plane <url>', 'the address of the control plane')
    .option('--token <token>', 'its agent token; others on this machine can see it in `ps`, so rather:')
    .option('--token-file <file>', 'a file that holds the token (or set DRAY_AGENT_TOKEN)')
    .option('--site <name>', 'where this agent is: agents of a site see the same directories', hostname())
    .addOption(concurrency())
    .addOption(memory())
    .addHelpText('after', agentHelp)
}

function looking(command: Command, description: string, help: string): Command {
  return common(command)
    .description(description)
    .option('--control-plane <url>', 'ask this control plane, not the state directory')
    .option('--token <token>', 'its operator token; visible in `ps`, so rather:')
    .option('--token-file <file>', 'a file that holds the token (or set DRAY_OPERATOR_TOKEN)')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', help)
}

const common = (command: Command): Command =>
  command
    .allowExcessArguments(false)
    .option('--state-dir <directory>', 'where Dray keeps what it knows (or set DRAY_STATE_DIR)')

const mostConcurrency = 512

const concurrency = (): Option =>
  new Option('--concurrency <number>', `most objects in flight at once; auto: as many as the endpoints take`)
    .argParser((text) => (text === 'auto' ? mostConcurrency : whole(1, 1_024)(text)))
    .default(mostConcurrency, 'auto')

const memory = (): Option =>
  new Option('--memory <size>', 'most that work in flight may hold in memory, such as 512M or 2G')
    .argParser(size)
    .default(usualBudget(process.constrainedMemory() || totalmem()), 'a quarter of the machine, 256M to 1G')

function size(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,7})([kmg]?)(?:i?b)?$/i.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ')
  if (bytes >= leastBudget) return bytes
  throw new InvalidArgumentError(
    `It must be a size of at least ${leastBudget / 1024 ** 2}M, such as 512M or 2G.`,
  )
}

const commands = ['copy', 'verify', 'up', 'agent', 'migrations', 'migration']

function unknownCommand(name: string): DrayError {
  const letters = (word: string) => [...word].sort().join('')
  const meant = commands.find((command) => command.startsWith(name) || letters(command) === letters(name))
  return new DrayError('usage', 'read the arguments', `unknown command '${name}'`, {
    hint: `${meant ? `Did you mean ${meant}? ` : ''}See dray --help.`,
  })
}

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** Commander's message as our one sentence and a remedy. */
function misused(error: CommanderError, args: string[]): DrayError {
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n')
  const command = ['copy', 'verify', 'up', 'agent', 'migrations', 'migration'].find(
    (name) => args[0] === name,
  )
  const see = `See dray ${command ? `${command} ` : ''}--help.`
  return new DrayError('usage', 'read the arguments', first.replace(/\.$/, ''), {
    hint: [...more.map((line) => line.replace(/^\((.*)\)$/, '$1').trim()), see].filter(Boolean).join(' '),
    cause: error,
  })
}

const programHelp = `
Examples:
  dray copy /srv/photos s3://photos                 a directory into a bucket
  dray copy s3://photos/2026 /backup/2026           the keys below 2026/ into a directory
  dray copy s3://old s3://new --source-profile old --destination-profile new
  dray verify s3://old s3://new                     are they equal?

Exit status: 0 everything is equal now; 1 finished, but some objects failed or differ;
2 wrong usage or configuration, nothing was started; 130 interrupted, the same command goes on.`

const copyHelp = `
Places:
  s3://b/photos and s3://b/photos/ both mean the keys below photos/, never those of photos2.
  A single file or object as SRC goes into DST under its own name. DST is always a folder.
  Keys are taken as they are written, without escapes; quote them for your shell.
  Keys, region and endpoint come from the AWS chain: environment, ~/.aws/config, instance role.

Globs: * and ? stay within a folder, ** crosses folders, {a,b} and [a-z] work. A pattern without /
matches names at any depth; one that begins with / is anchored at SRC. What they leave out is not
listed, not counted and never deleted.

With --versions all, only what is missing in DST is laid on top of what is there, and --delete lays delete
markers: no version is ever taken away.

Besides its bytes: content headers, user metadata and redirects always go along, tags and storage classes unless
told otherwise. What DST cannot hold, or is not to get, is counted by its kind: see "dropped" in the summary.
A key of your own (--…-customer-key NAME) is 32 bytes in base64, in DRAY_CUSTOMER_KEY_<NAME> or, with mode 0600,
in customer-keys/<NAME> in the state directory. It goes to that store alone.

Other keys in DST: a template is text with {fields}: named groups of --map-pattern, which has to match the
whole key, and {key}, {dir}, {base}, {stem}, {ext}. A field can be cut and changed: {id[0:2]}, {name[-8:]},
{ext:lower}, {id:08}, {key:md5[0:2]}, {base:url}; {{ is a brace. --dry-run shows the first ten.
  --map-pattern 'attachments/(?<id>\\d+)/(?<name>.+)' --map-to 'att/{id:04[0:2]}/{id}/{name}'

Manifests: a row a key, with a header (key, version, newKey) or as S3 Inventory and S3 Batch have them
(bucket,key,version); or JSON lines: {"key": …, "newKey": …}, which a report of Dray is too. Gzip or not.
What a manifest does not name is left alone on both sides.

Examples:
  dray copy /srv/photos s3://photos
  dray copy s3://photos/2026 . --include '*.jpg' --exclude '/drafts/**'
  dray copy s3://a s3://b --source-endpoint http://10.0.0.5:9000 --source-profile minio
  dray copy s3://a s3://b --delete --dry-run        what would be copied and deleted?
  dray copy s3://a s3://b --versions all            every version and delete marker, in order

The report (its path is in the summary) has a line of JSON for every change and every failure.`

const verifyHelp = `
Examples:
  dray verify /srv/photos s3://photos
  dray verify s3://a s3://b --depth full            read and compare every byte, headers, user metadata and tags
  dray verify s3://a s3://b --one-way               what is only in DST does not count

What differs or is missing counts as failed, and is named in the report with its cause.`

const upHelp = `
Examples:
  dray up
  dray up --port 9000 --state-dir /var/lib/dray

It listens on this machine only, unless --host says otherwise, and asks every caller for a token.`

const agentHelp = `
Examples:
  DRAY_AGENT_TOKEN=… dray agent --control-plane https://dray.example.com --site paris
  dray agent --control-plane http://127.0.0.1:8686 --token-file ~/agent.token --state-dir ~/agent

It opens connections and accepts none. SIGTERM lets it finish what it holds; Ctrl-C gives it back at once.`

const migrationsHelp = `
Examples:
  dray migrations
  dray migrations --control-plane https://dray.example.com --token-file ~/operator.token`

const migrationHelp = `
Examples:
  dray migration 3f2a91c04be7d510
  dray migration 3f2a91c04be7d510 --json`
