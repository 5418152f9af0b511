import { Option } from 'commander'
import type { Register } from '../command.ts'
import { common, concurrency, memory, threads, whole } from '../options.ts'

export const registerUp: Register = (program, run) => {
  common(program.command('up'))
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
    .action((options) =>
      run(options, async (io) => {
        const { runUp } = await import('../up.ts')
        return runUp(options, io)
      }),
    )
}

const upHelp = `
Examples:
  dray up
  dray up --port 9000 --state-dir /var/lib/dray

It listens on this machine only, unless --host says otherwise, and asks every caller for a token.`
