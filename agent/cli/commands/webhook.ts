import { Argument, Option } from 'commander'
import { eventTypes } from '../../../shared/api/webhook-events.ts'
import { webhookFormats } from '../../../shared/api/webhooks.ts'
import type { Register } from '../command.ts'
import { asking, collect, whole } from '../options.ts'

export const registerWebhook: Register = (program, run) => {
  const group = program
    .command('webhook')
    .description('Who is told when something happens, and what was delivered.')
    .helpCommand(false)
    .addHelpText('after', groupHelp)

  const named = (name: string, description: string) =>
    asking(group.command(name).argument('<ID>', 'as `dray webhook list` shows it')).description(description)
  const events = () =>
    new Option('--event <type>', `only this; can be given several times: ${eventTypes.join(', ')}`).argParser(
      collect,
    )
  const format = () =>
    new Option('--format <format>', 'dray: JSON; slack: a sentence, as Slack and its like take it').choices(
      webhookFormats,
    )

  asking(group.command('list').description('List the webhooks.')).action((options) =>
    run(options, async (io) => (await import('../webhooks.ts')).listAll(options, io)),
  )
  named('create', 'Make a webhook, and print its signing secret, this once.')
    .addArgument(new Argument('<URL>', 'where to; https'))
    .addOption(events())
    .addOption(format())
    .action((id: string, url: string, options) =>
      run(options, async (io) => (await import('../webhooks.ts')).create(id, url, options, io)),
    )
  named('edit', 'Change a webhook. What is not given stays.')
    .option('--url <url>', 'where to')
    .addOption(events())
    .option('--all-events', 'every event')
    .addOption(format())
    .option('--disable', 'tell it nothing any more')
    .option('--enable', 'tell it again')
    .option('--new-secret', 'make another signing secret; the old one signs too, for a day')
    .action((id: string, options) =>
      run(options, async (io) => (await import('../webhooks.ts')).edit(id, options, io)),
    )
  named('delete', 'Delete a webhook, and what waits for it.').action((id: string, options) =>
    run(options, async (io) => (await import('../webhooks.ts')).remove(id, options, io)),
  )
  named('test', 'Send a test now, and say what came of it.').action((id: string, options) =>
    run(options, async (io) => (await import('../webhooks.ts')).test(id, options, io)),
  )
  named('deliveries', 'List what was delivered and what waits, newest first.')
    .addOption(new Option('--limit <number>', 'how many at most').argParser(whole(1, 1_000)).default(20))
    .action((id: string, options) =>
      run(options, async (io) => (await import('../webhooks.ts')).deliveries(id, options, io)),
    )
  named('redeliver', 'Send a delivery again, under its old id.')
    .addArgument(new Argument('<DELIVERY>', 'its number').argParser(whole(1, Number.MAX_SAFE_INTEGER)))
    .action((id: string, delivery: number, options) =>
      run(options, async (io) => (await import('../webhooks.ts')).again(id, delivery, options, io)),
    )
}

const groupHelp = `
Examples:
  dray webhook create ops https://example.com/hooks/dray
  dray webhook create chat https://hooks.slack.com/services/… --format slack --event pass.failed --event agent.lost
  dray webhook test chat
  dray webhook deliveries ops
  dray webhook redeliver ops 17

Deliveries are signed as the Standard Webhooks specification says, and tried again for about a day.`
