/** What a verification has found, signed: to get it, and to check it. */
import { Option } from 'commander'
import type { Register, RegisterMore } from '../command.ts'
import { common, ofPass } from '../options.ts'

export const registerCertificate: RegisterMore = (one, run) => {
  ofPass(one('certificate', 'Write the certificate of a verification.'))
    .option('--issue', 'sign it first, where that was not done; nothing may be open then')
    .option('--output <file>', 'into this file, whole or not at all, and not to standard output')
    .addHelpText('after', certificateHelp)
    .action((id: string, options) =>
      run(options, async (io) => (await import('../migration-certificate.ts')).certificate(id, options, io)),
    )
}

export const registerVerifyCertificate: Register = (program, run) => {
  const command = common(
    program.command('verify-certificate').argument('<FILE>', 'as `dray migration certificate` wrote it'),
  ).description('Check a certificate: by itself, and beside what is at one of its sides now.')
  command
    .option('--key <key>', 'the public key that the control plane is known by')
    .option('--control-plane <url>', 'ask this one for its key')
    .option('--against <place>', 'list this side, and compare: s3://bucket/prefix or a directory')
    .addOption(
      new Option('--side <side>', 'which side that is; told by its name, or else the destination').choices([
        'source',
        'destination',
      ]),
    )
    .option('--profile <name>', 'AWS profile for it (keys, region, endpoint_url)')
    .option('--endpoint <url>', 'its S3 endpoint, if it is not AWS')
    .option('--region <name>', 'its region')
    .option('--anonymous', 'a public bucket, without credentials')
    .option('--requester-pays', 'pay for it, where the bucket asks for that')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', verifyHelp)
    .action((file: string, options) =>
      run(options, async (io) =>
        (await import('../verify-certificate.ts')).verifyCertificate(file, options, io),
      ),
    )
}

const certificateHelp = `
Without --pass: the newest certificate; with --issue, the last pass. A certificate is a file of JSON lines: the signed
statement, and a leaf for each range of keys, with a digest of either side and the signature of the agent that saw it.

Examples:
  dray migration start photos --verify --watch
  dray migration certificate photos --issue > photos.certificate
  dray verify-certificate photos.certificate --against s3://new/photos`

const verifyHelp = `
Without --against nothing is asked of anybody: the file says enough to find out whether anything in it was changed.
With it, that side is listed once, from the first key to the last; no object is read. Whoever changed an object changed its
ETag; of a directory, times and sizes are compared.

Examples:
  dray verify-certificate photos.certificate
  dray verify-certificate photos.certificate --control-plane https://dray.example.com
  dray verify-certificate photos.certificate --against s3://new/photos --profile new

Exit status: 0 it holds; 1 it does not, or the side is not what was certified; 2 wrong usage, or no certificate.`
