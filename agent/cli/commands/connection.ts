import { type Command, Option } from 'commander'
import type { Register } from '../command.ts'
import { asking, collect } from '../options.ts'

export const registerConnection: Register = (program, run) => {
  const group = program
    .command('connection')
    .description('Endpoints, and how the agents of a site get their credentials.')
    .helpCommand(false)
    .addHelpText('after', groupHelp)

  const named = (name: string, description: string) =>
    asking(group.command(name).argument('<NAME>', 'of the connection')).description(description)

  asking(group.command('list').description('List the connections.')).action((options) =>
    run(options, async (io) => (await import('../connection.ts')).listAll(options, io)),
  )
  named('show', 'Show a connection, and which agents have its secret.').action((name: string, options) =>
    run(options, async (io) => (await import('../connection.ts')).show(name, options, io)),
  )
  settings(named('create', 'Create a connection.'))
    .addHelpText('after', createHelp)
    .action((name: string, options) =>
      run(options, async (io) => (await import('../connection.ts')).create(name, options, io)),
    )
  settings(named('edit', 'Change a connection: what is not given stays as it is.')).action(
    (name: string, options) =>
      run(options, async (io) => (await import('../connection.ts')).edit(name, options, io)),
  )
  named('delete', 'Delete a connection that no migration uses.').action((name: string, options) =>
    run(options, async (io) => (await import('../connection.ts')).remove(name, options, io)),
  )
  named('seal', 'Seal a secret to the agents of its sites, so that nobody else can read it.')
    .option('--from-profile <name>', 'take the keys of this profile of ~/.aws/credentials')
    .option('--from-file <file>', 'take them from a file of mode 0600: JSON, as `aws` prints it')
    .option(
      '--root <fingerprint>',
      'of the root key that a site is to have; needed where it is another or a new one, can be given several times',
      collect,
    )
    .addHelpText('after', sealHelp)
    .action((name: string, options) =>
      run(options, async (io) => (await import('../connection-seal.ts')).seal(name, options, io)),
    )
  named('test', 'Let a real agent try what it can do with a connection.')
    .argument('<PLACE>', 's3://bucket/prefix: where to try it')
    .option('--site <name>', 'an agent of this site')
    .addHelpText('after', testHelp)
    .action((name: string, place: string, options) =>
      run(options, async (io) => (await import('../connection-test.ts')).test(name, place, options, io)),
    )
}

const settings = (command: Command): Command =>
  command
    .option('--endpoint <url>', 'the address of the S3 server; aws: AWS itself')
    .option('--region <name>', 'its region')
    .addOption(
      new Option('--addressing <style>', 'whether the path or the host names the bucket').choices([
        'auto',
        'path',
        'host',
      ]),
    )
    .option('--requester-pays', 'whoever reads pays for it')
    .option('--no-requester-pays', 'the owner pays, as is usual')
    .option('--site <name>', 'from which it can be reached; can be given several times', collect)
    .option('--any-site', 'it can be reached from all')
    .option('--profile <name>', 'the agents have the credentials, in this AWS profile')
    .option('--default-credentials', 'the agents have them, where the AWS chain finds them')
    .option('--sealed', 'they are a secret, which is sealed to the agents')
    .option('--anonymous', 'requests are not signed')

const groupHelp = `
Examples:
  dray connection create archive --endpoint https://s3.example.com --sealed --site paris
  dray connection seal archive
  dray connection test archive s3://photos/2026/
  dray connection list

A location names a connection in place of endpoint, region and profile.`

const createHelp = `
Examples:
  dray connection create archive --endpoint https://s3.example.com --sealed --site paris --site rome
  dray connection create aws --region eu-central-1 --profile backup
  dray connection create public --anonymous`

const sealHelp = `
Examples:
  dray connection seal archive                       asks for the keys, and shows nothing of them
  dray connection seal archive --from-profile backup
  dray connection seal archive --from-file keys.json

The control plane gets ciphertext. A site's root key is remembered when it is first seen; another one is refused.
Seal again to replace a secret: agents that run take the new one as soon as the old one is refused.`

const testHelp = `
Example:
  dray connection test archive s3://photos/2026/ --site paris

Small objects are written and deleted again. Exit status: 0 everything can be done; 1 something cannot.`
