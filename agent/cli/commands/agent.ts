import { hostname } from 'node:os'
import type { Register } from '../command.ts'
import { common, concurrency, memory, threads } from '../options.ts'

export const registerAgent: Register = (program, run) => {
  common(program.command('agent'))
    .description('Run an agent that works for a control plane somewhere else.')
    .requiredOption('--control-plane <url>', 'the address of the control plane')
    .option('--token <token>', 'its agent token; others on this machine can see it in `ps`, so rather:')
    .option('--token-file <file>', 'a file that holds the token (or set DRAY_AGENT_TOKEN)')
    .option('--site <name>', 'where this agent is: agents of a site see the same directories', hostname())
    .addOption(concurrency())
    .addOption(memory())
    .addOption(threads())
    .addHelpText('after', agentHelp)
    .action((options) =>
      run(options, async (io) => {
        const { runAgent } = await import('../join.ts')
        return runAgent(options, io)
      }),
    )
}

const agentHelp = `
Examples:
  DRAY_AGENT_TOKEN=… dray agent --control-plane https://dray.example.com --site paris
  dray agent --control-plane http://127.0.0.1:8686 --token-file ~/agent.token --state-dir ~/agent

It opens connections and accepts none. SIGTERM lets it finish what it holds; Ctrl-C gives it back at once.`
