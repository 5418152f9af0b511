import type { Command } from 'commander'
import type { Register } from '../command.ts'
import { asking, collect, common, concurrency, memory, threads } from '../options.ts'

export const registerAgent: Register = (program, run) => {
  const group = program
    .command('agent')
    .description('Run an agent here that works for a control plane somewhere else; and drain or revoke one.')
    .helpCommand(false)
    .addHelpText('after', groupHelp)

  common(group.command('join').argument('<URL>', 'of the control plane'))
    .description('Make this machine an agent of a site, by a join token.')
    .option('--token <token>', 'the join token; others on this machine can see it in `ps`, so rather:')
    .option('--token-file <file>', 'a file that holds it (or set DRAY_JOIN_TOKEN)')
    .option('--name <name>', 'what it is to be called in the workspace; this machine’s name, unless told')
    .option('--allow <place>', 'what it may touch; can be given several times', collect)
    .option('--root <file>', 'the root key of the site (site-root.json), to certify this agent with')
    .addHelpText('after', joinHelp)
    .action((url: string, options) =>
      run(options, async (io) => (await import('../agent-join.ts')).joinSite(url, options, io)),
    )
  common(group.command('run'))
    .description('Work, as the agent that has joined from this state directory.')
    .addOption(concurrency())
    .addOption(memory())
    .addOption(threads())
    .addHelpText('after', runHelp)
    .action((options) => run(options, async (io) => (await import('../agent-run.ts')).runAgent(options, io)))
  common(group.command('show'))
    .description('Show who the agent of this state directory is, and what it may touch.')
    .option('--json', 'print one JSON object', false)
    .action((options) =>
      run(options, async (io) => (await import('../agent-join.ts')).showAgent(options, io)),
    )
  common(group.command('leave'))
    .description(
      'Leave the site for good: the control plane revokes the agent, and its keys are deleted here.',
    )
    .option('--force', 'also where the control plane cannot be told', false)
    .action((options) =>
      run(options, async (io) => (await import('../agent-join.ts')).leaveSite(options, io)),
    )

  const named = (name: string, description: string): Command =>
    asking(group.command(name).argument('<AGENT>', 'as `dray agents` shows it')).description(description)
  named('drain', 'Let an agent finish what it holds, and end.').action((agent: string, options) =>
    run(options, async (io) => (await import('../agents.ts')).drain(agent, options, io)),
  )
  named('revoke', 'Shut an agent out for good, at once; others do what it held.').action(
    (agent: string, options) =>
      run(options, async (io) => (await import('../agents.ts')).revoke(agent, options, io)),
  )

  asking(program.command('agents').description('List the agents of a workspace: where they are, and how.'))
    .option('--site <name>', 'of this site alone')
    .action((options) => run(options, async (io) => (await import('../agents.ts')).listThem(options, io)))
}

const groupHelp = `
An agent moves the data, next to where it is. It opens connections and accepts none.

Examples:
  dray site token paris > token                       where you are signed in: a token, good for an hour
  dray agent join https://dray.example.com --token-file token --allow s3://photos --allow /srv/photos
  dray agent run                                      on the same machine, from now on
  dray agents                                         how they all are
  dray agent revoke paris-2                           one that is lost`

const joinHelp = `
Examples:
  dray agent join https://dray.example.com --token-file token --allow s3://photos
  dray agent join https://dray.example.com --token-file token --allow 's3://photos/2026/ at https://minio.lan:9000' --root site-root.json

Its keys are made here and stay here, in a file of mode 0600. What it may touch is for this machine to say alone
(the file "allow" in the state directory): s3://bucket, s3://bucket/prefix/ at https://host:port, https://host/*,
/a/directory. Without an entry it may touch nothing. The first agent of a site makes the site's root key.`

const runHelp = `
Examples:
  dray agent run
  dray agent run --state-dir /var/lib/dray

It works until it is stopped. SIGTERM lets it finish what it holds; Ctrl-C gives it back at once.
Exit status: 0 stopped, or drained; 2 wrong configuration; 3 sent away, because another process has its identity
or because it is revoked: starting it again does not help (in a systemd unit: RestartPreventExitStatus=3).`
