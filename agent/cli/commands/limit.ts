import type { Register } from '../command.ts'
import { asking, collect } from '../options.ts'

export const registerLimit: Register = (program, run) => {
  const group = program
    .command('limit')
    .description('What endpoints may be used for, by all agents together.')
    .helpCommand(false)
    .addHelpText('after', groupHelp)

  const named = (name: string, description: string) =>
    asking(group.command(name).argument('<ENDPOINT>', 'https://host, or file:SITE')).description(description)

  asking(group.command('list').description('List the limits, and what they allow now.')).action((options) =>
    run(options, async (io) => (await import('../limits.ts')).listAll(options, io)),
  )
  named('show', 'Show a limit, and which agent has which share of it now.').action((name: string, options) =>
    run(options, async (io) => (await import('../limits.ts')).show(name, options, io)),
  )
  named('set', 'Set a limit, in place of the one that the endpoint has. Agents obey at once.')
    .option('--bandwidth <rate>', 'bytes a second in and out together: 50MB/s, 50MiB/s or 400Mbit/s')
    .option('--requests <rate>', 'requests a second: 500/s')
    .option('--concurrency <number>', 'requests at once: 64')
    .option('--zone <name>', 'of the windows: Europe/Berlin (default: UTC)')
    .option(
      '--window <window>',
      'when other values hold; can be given several times, the last one wins',
      collect,
    )
    .addHelpText('after', setHelp)
    .action((name: string, options) =>
      run(options, async (io) => (await import('../limits.ts')).set(name, options, io)),
    )
  named('remove', 'Take a limit away.').action((name: string, options) =>
    run(options, async (io) => (await import('../limits.ts')).remove(name, options, io)),
  )
}

const groupHelp = `
Examples:
  dray limit set https://s3.example.com --bandwidth 200Mbit/s --requests 500/s
  dray limit set file:paris --bandwidth 80MiB/s
  dray limit list
  dray limit show https://s3.example.com            which agent has which share now
  dray limit remove https://s3.example.com`

const setHelp = `
Windows are days, times of day and what is different then, by the clock of --zone:
  --zone Europe/Berlin --window 'Mon-Fri 08:00-18:00 bandwidth=50Mbit/s'
  --window 'daily 22:00-06:00 bandwidth=none'       across midnight; no bound then
  --window 'Sat,Sun concurrency=256'                the whole day

AWS is limited by region: s3.eu-central-1.amazonaws.com. What is not given is not bounded.`
