import { Option } from 'commander'
import type { Register } from '../command.ts'
import { choice, common, whole } from '../options.ts'

export const registerMirror: Register = (program, run) => {
  const group = common(program.command('mirror'))
    .description(
      'Serve an application whose writes go to two stores at once, while one is moved to the other.',
    )
    .helpCommand(false)
    .option('--old <place>', 's3://bucket or s3://bucket/prefix: where the application’s objects are')
    .option('--new <place>', 's3://bucket or s3://bucket/prefix: where they go')
    .option('--old-profile <name>', 'the AWS profile for the old side')
    .option('--new-profile <name>', 'the AWS profile for the new side')
    .option('--old-endpoint <url>', 'its S3 endpoint, if it is not AWS')
    .option('--new-endpoint <url>', 'its S3 endpoint, if it is not AWS')
    .option('--old-region <name>', 'its region')
    .option('--new-region <name>', 'its region')
    .option('--bucket <name>', 'what the application calls the bucket; as on the old side, unless told')
    .option(
      '--listen <address>',
      'an address of this machine and a port; port 0: any free one',
      '127.0.0.1:9090',
    )
    .option('--tls-cert <file>', 'serve HTTPS, with this certificate (PEM)')
    .option('--tls-key <file>', 'and its key (PEM)')
    .option(
      '--credentials <file>',
      'what the application signs with, as an AWS credentials file (or set DRAY_MIRROR_ACCESS_KEY_ID and DRAY_MIRROR_SECRET_ACCESS_KEY); made at the first start, unless told',
    )
    .addOption(
      choice(
        '--reads <side>',
        'where reads go while the old side is the side of record',
        ['auto', 'old', 'new'],
        'auto',
      ),
    )
    .addOption(
      new Option(
        '--record <side>',
        'the side of record at the first start; later: dray mirror switch (default: old)',
      ).choices(['old', 'new']),
    )
    .addOption(
      new Option('--requests <number>', 'most requests at work at once')
        .argParser(whole(1, 4_096))
        .default(256),
    )
    .addOption(
      new Option('--drain <seconds>', 'longest that requests under way may take when it is stopped')
        .argParser(whole(1, 3_600))
        .default(60),
    )
    .addOption(
      new Option('--late <seconds>', 'how long a write that broke off may still land at a store')
        .argParser(whole(0, 3_600))
        .default(60),
    )
    .option(
      '--migration <id>',
      'the migration that it belongs to: what differs is told to it, and its cut-over switches the mirror',
    )
    .option(
      '--control-plane <url>',
      'where that is (or set DRAY_CONTROL_PLANE); as `dray login`, unless told',
    )
    .option('--workspace <id>', 'in this workspace (or set DRAY_WORKSPACE)')
    .option('--token-file <file>', 'a file that holds a token for it (or set DRAY_TOKEN)')
    .addHelpText('after', mirrorHelp)
    .action((options) => run(options, async (io) => (await import('../mirror.ts')).runMirror(options, io)))

  common(group.command('status'))
    .description('Say what is open, and which keys may differ.')
    .option('--json', 'print one JSON object', false)
    .action((_, command) => {
      const options = command.optsWithGlobals()
      return run(options, async (io) => (await import('../mirror-control.ts')).mirrorStatus(options, io))
    })
  common(group.command('switch').argument('<SIDE>', 'old or new'))
    .description('Make the other side the side of record, once both are equal.')
    .option('--json', 'print one JSON object', false)
    .action((side: string, _, command) => {
      const options = command.optsWithGlobals()
      return run(options, async (io) =>
        (await import('../mirror-control.ts')).mirrorSwitch(side, options, io),
      )
    })
}

const mirrorHelp = `
Examples:
  dray mirror --old s3://photos --new s3://pictures --old-profile a --new-profile b --listen 127.0.0.1:9090
  dray mirror status --json
  dray mirror switch new                            after the cut-over; old: after a roll-back

The application uses this endpoint (path-style addresses) in place of its store. Each write goes to both sides before it is
answered, and what the side of record refuses is refused. A key of which the other side failed is read at the side of
record, and made equal behind the application's back. See docs/mirror.md.

Exit status of status: 0 nothing is open and no key differs; 1 something does.`
