/** The command line's grammar and its help. Each command's work is in a file of its own, loaded when it is asked for. */
import { Command, CommanderError } from 'commander'
import { DrayError } from '../../shared/error.ts'
import type { Register, Run } from './command.ts'
import { registerAgent } from './commands/agent.ts'
import { registerApply } from './commands/apply.ts'
import { registerAudit } from './commands/audit.ts'
import { registerVerifyCertificate } from './commands/certificates.ts'
import { registerConnection } from './commands/connection.ts'
import { registerLimit } from './commands/limit.ts'
import { registerLooking } from './commands/looking.ts'
import { registerMigrations } from './commands/migrations.ts'
import { registerMirror } from './commands/mirror.ts'
import { registerMoving } from './commands/moving.ts'
import { registerPeople } from './commands/people.ts'
import { registerSchedule } from './commands/schedule.ts'
import { registerSite } from './commands/site.ts'
import { registerUp } from './commands/up.ts'
import { registerWebhook } from './commands/webhook.ts'
import { exitCodes, type Io } from './io.ts'

/** In the order of the help. */
const registers: readonly Register[] = [
  registerMoving,
  registerVerifyCertificate,
  registerUp,
  registerAgent,
  registerSite,
  registerMigrations,
  registerMirror,
  registerSchedule,
  registerConnection,
  registerLooking,
  registerApply,
  registerLimit,
  registerWebhook,
  registerPeople,
  registerAudit,
]

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
  const program = commandLine(process, async (options, work) => {
    code = await work(io(options))
  })
  program.action(async () => {
    if (program.args.length > 0) throw unknownCommand(program.args[0]!, namesOf(program))
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
    throw misused(error, args, namesOf(program))
  }
}

/** All commands, with their options and their help. */
export function commandLine(process: Pick<ProcessIo, 'stdout' | 'version'>, run: Run): Command {
  const program = describe(process)
  for (const register of registers) register(program, run)
  return program
}

function describe(process: Pick<ProcessIo, 'stdout' | 'version'>): Command {
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

const namesOf = (program: Command): string[] => program.commands.map((command) => command.name())

function unknownCommand(name: string, commands: readonly string[]): DrayError {
  const letters = (word: string) => [...word].sort().join('')
  const meant = commands.find((command) => command.startsWith(name) || letters(command) === letters(name))
  return new DrayError('usage', 'read the arguments', `unknown command '${name}'`, {
    hint: `${meant ? `Did you mean ${meant}? ` : ''}See dray --help.`,
  })
}

/** Commander's message as our one sentence and a remedy. */
function misused(error: CommanderError, args: string[], commands: readonly string[]): DrayError {
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n')
  const command = commands.find((name) => args[0] === name)
  const see = `See dray ${command ? `${command} ` : ''}--help.`
  // A group of commands, without one of them.
  if (error.code === 'commander.help') {
    return new DrayError('usage', 'read the arguments', `what is dray ${command} to do?`, { hint: see })
  }
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
