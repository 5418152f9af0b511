/** The command line's grammar and its help. Each command's work is in a file of its own, loaded when it is asked for. */
import { hostname } from 'node:os'
import { Command, CommanderError, Option } from 'commander'
import { DrayError } from '../../shared/error.ts'
import { exitCodes, type Io } from './io.ts'
import { moving } from './moving.ts'
import { common, concurrency, memory, threads, whole } from './options.ts'

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
    .addOption(threads())
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
    .addOption(threads())
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

const commands = ['copy', 'verify', 'up', 'agent', 'migrations', 'migration']

function unknownCommand(name: string): DrayError {
  const letters = (word: string) => [...word].sort().join('')
  const meant = commands.find((command) => command.startsWith(name) || letters(command) === letters(name))
  return new DrayError('usage', 'read the arguments', `unknown command '${name}'`, {
    hint: `${meant ? `Did you mean ${meant}? ` : ''}See dray --help.`,
  })
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
