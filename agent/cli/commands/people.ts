import { Option } from 'commander'
import { roles } from '../../../shared/api/scopes.ts'
import type { Register } from '../command.ts'
import { asking, collect, common, whole } from '../options.ts'

export const registerPeople: Register = (program, run) => {
  common(program.command('login').argument('<URL>', 'the address of a control plane'))
    .description('Sign in to a control plane, in the browser.')
    .option('--workspace <id>', 'ask about this workspace from now on')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', loginHelp)
    .action((url: string, options) =>
      run(options, async (io) => (await import('../login.ts')).runLogin(url, options, io)),
    )
  common(
    program.command('logout').argument('[URL]', 'of the control plane; the last one where it is left out'),
  )
    .description('Sign out: the session ends there too.')
    .action((url: string | undefined, options) =>
      run(options, async (io) => (await import('../login.ts')).runLogout(url, io)),
    )
  asking(
    program.command('whoami').description('Show who you are to a control plane, and what you may do.'),
  ).action((options) => run(options, async (io) => (await import('../login.ts')).runWhoami(options, io)))

  const member = program
    .command('member')
    .description('Who is in a workspace, with which role.')
    .helpCommand(false)
    .addHelpText('after', memberHelp)
  asking(member.command('list').description('List members and open invitations.')).action((options) =>
    run(options, async (io) => (await import('../members.ts')).listThem(options, io)),
  )
  asking(
    member
      .command('invite')
      .argument('<EMAIL>')
      .description('Make a link by which somebody becomes a member.'),
  )
    .addOption(new Option('--role <role>', 'what they may do').choices(roles).default('viewer'))
    .addOption(
      new Option('--days <number>', 'how long the link is good for').argParser(whole(1, 30)).default(7),
    )
    .action((email: string, options) =>
      run(options, async (io) => (await import('../members.ts')).invite(email, options, io)),
    )
  asking(
    member.command('role').argument('<EMAIL>').addArgument(member.createArgument('<ROLE>').choices(roles)),
  )
    .description('Give a member another role.')
    .action((who: string, role, options) =>
      run(options, async (io) => (await import('../members.ts')).setRole(who, role, options, io)),
    )
  asking(
    member.command('remove').argument('<EMAIL>').description('End a membership, or withdraw an invitation.'),
  ).action((who: string, options) =>
    run(options, async (io) => (await import('../members.ts')).remove(who, options, io)),
  )

  const workspace = program
    .command('workspace')
    .description('The workspaces that you are in.')
    .helpCommand(false)
  asking(workspace.command('list').description('List them.')).action((options) =>
    run(options, async (io) => (await import('../members.ts')).listOwn(options, io)),
  )
  asking(workspace.command('create').argument('<ID>').description('Make a workspace of your own.'))
    .option('--name <name>', 'for people; the id where it is left out')
    .action((id: string, options) =>
      run(options, async (io) => (await import('../members.ts')).make(id, options, io)),
    )
  asking(
    workspace
      .command('rename')
      .argument('<NAME>')
      .description('Give a workspace another name; its id stays.'),
  ).action((name: string, options) =>
    run(options, async (io) => (await import('../members.ts')).rename(name, options, io)),
  )
  asking(
    workspace
      .command('delete')
      .description('Delete a workspace and all that is in it, for good. Export it first: dray export FILE.'),
  )
    .option('--yes <name>', 'do not ask; its name, so that it is no other one')
    .action((options) =>
      run(options, async (io) => (await import('../whole-workspace.ts')).deleteAll(options, io)),
    )
  asking(program.command('export').argument('<FILE>', 'where to; it gets one JSON object a line'))
    .description('Export a workspace: all that is known of it but secrets and reports.')
    .action((file: string, options) =>
      run(options, async (io) => (await import('../whole-workspace.ts')).exportAll(file, options, io)),
    )

  const token = program
    .command('token')
    .description('API tokens, for programs.')
    .helpCommand(false)
    .addHelpText('after', tokenHelp)
  asking(token.command('list').description('List the tokens of a workspace.')).action((options) =>
    run(options, async (io) => (await import('../tokens.ts')).listThem(options, io)),
  )
  asking(
    token
      .command('create')
      .argument('<NAME>', 'to know it by')
      .description('Make a token, and print its secret once.'),
  )
    .option('--scope <scope>', 'what it may do; can be given several times', collect)
    .addOption(
      new Option('--days <number>', 'until it expires; 0: never')
        .argParser((text) => whole(0, 365)(text) || null)
        .default(90),
    )
    .action((name: string, options) =>
      run(options, async (io) => (await import('../tokens.ts')).create(name, options, io)),
    )
  asking(token.command('revoke').argument('<ID>', 'or its name').description('End a token, at once.')).action(
    (which: string, options) =>
      run(options, async (io) => (await import('../tokens.ts')).revoke(which, options, io)),
  )
}

const loginHelp = `
Example:
  dray login https://dray.example.com

The session is kept in the config directory, readable by you only. Commands then ask that control plane;
with --control-plane local, or --state-dir, they ask this machine's.`

const memberHelp = `
Examples:
  dray member invite ada@example.com --role operator
  dray member list
  dray member role ada@example.com admin`

const tokenHelp = `
Examples:
  dray token create ci --scope migrations:read --scope migrations:run > token
  DRAY_TOKEN=$(cat token) dray migrations --control-plane https://dray.example.com
  dray token revoke ci`
