import { InvalidArgumentError, Option } from 'commander'
import type { Register } from '../command.ts'
import { asking, collect, whole } from '../options.ts'

export const registerSite: Register = (program, run) => {
  const group = program
    .command('site')
    .description('Places where agents run.')
    .helpCommand(false)
    .addHelpText('after', groupHelp)

  asking(group.command('list').description('List the sites.')).action((options) =>
    run(options, async (io) => (await import('../site.ts')).listAll(options, io)),
  )
  asking(group.command('create').argument('<SITE>', 'lower-case letters, digits and "-"'))
    .description('Create a site.')
    .option('--region <name>', 'where it is, as people and vendors call it')
    .option('--label <name=value>', 'what to sort it by; can be given several times', collect)
    .action((site: string, options) =>
      run(options, async (io) => (await import('../site.ts')).create(site, options, io)),
    )
  asking(group.command('edit').argument('<SITE>', 'its name'))
    .description('Change a site: what is not given stays as it is.')
    .option('--region <name>', 'where it is')
    .option('--label <name=value>', 'in place of its labels; can be given several times', collect)
    .option('--forget-root', 'its root key is lost: all its agents are to be certified anew', false)
    .action((site: string, options) =>
      run(options, async (io) => (await import('../site.ts')).edit(site, options, io)),
    )
  asking(group.command('delete').argument('<SITE>', 'its name'))
    .description('Delete a site that has no agents.')
    .action((site: string, options) =>
      run(options, async (io) => (await import('../site.ts')).remove(site, options, io)),
    )
  asking(group.command('token').argument('<SITE>', 'its name'))
    .description('Make a token by which an agent joins the site, and print it.')
    .option('--uses <number>', 'how many agents it lets join', whole(1, 1_000), 1)
    .addOption(
      new Option('--expires <time>', 'how long it is good, such as 15m or 24h')
        .argParser(duration)
        .default(3_600, '1h'),
    )
    .addHelpText('after', tokenHelp)
    .action((site: string, options) =>
      run(options, async (io) => (await import('../site.ts')).token(site, options, io)),
    )
  asking(group.command('tokens').argument('<SITE>', 'its name'))
    .description(
      'List the join tokens that are still good; the tokens themselves are shown once, when they are made.',
    )
    .option('--take-back <ID>', 'take one back: agents that have joined by it stay')
    .action((site: string, options) =>
      run(options, async (io) => (await import('../site.ts')).tokens(site, options, io)),
    )
  asking(
    group
      .command('certify')
      .argument('<SITE>', 'its name')
      .argument('[AGENT]', 'which of its agents')
      .argument('[FINGERPRINT]', 'of its keys, as `dray agent show` says on its own machine'),
  )
    .description(
      'Certify the keys of an agent with the root key of its site, so that others give it secrets.',
    )
    .option('--root <file>', 'the root key: site-root.json, which the first agent of the site has made')
    .addHelpText('after', certifyHelp)
    .action((site: string, agent: string | undefined, mark: string | undefined, options) =>
      run(options, async (io) => (await import('../site.ts')).certifyOne(site, agent, mark, options, io)),
    )
}

/** As the control plane has it (shared/api/sites.ts), in seconds: loading its contracts to show help would cost every command a start. */
const longest = 24 * 3_600

/** In seconds. */
function duration(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const seconds = Number(digits) * { s: 1, m: 60, h: 3_600 }[unit as 's' | 'm' | 'h']
  if (seconds >= 1 && seconds <= longest) return seconds
  throw new InvalidArgumentError('It must be a time up to 24h, such as 30m.')
}

const groupHelp = `
A site is a place in the network: its agents see the same directories and reach the same endpoints.

Examples:
  dray site create paris --region eu-west-3
  dray site token paris
  dray site list`

const tokenHelp = `
Examples:
  dray site token paris > token
  dray site token paris --uses 10 --expires 24h`

const certifyHelp = `
Examples:
  dray site certify paris                             which agents are not certified yet
  dray site certify paris paris-2 3f2a-91cc-07be-d510-66a1-0b2c-9e4f-d3a8 --root site-root.json

Compare the fingerprint with the machine of the agent, not with what the control plane says.`
