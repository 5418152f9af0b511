import type { Command } from 'commander'
import type { Register } from '../command.ts'
import { asking, collect } from '../options.ts'
import { defining } from './migrations.ts'

export const registerLooking: Register = (program, run) => {
  reaching(
    asking(
      program.command('browse').argument('<PLACE>', 's3://bucket/prefix, s3://, or a directory of a site'),
    ),
  )
    .description('List what stands in a folder, or the buckets of a connection, as an agent sees them.')
    .addHelpText('after', browseHelp)
    .action((place: string, options) =>
      run(options, async (io) => (await import('../browse.ts')).browsePlace(place, options, io)),
    )

  reaching(
    asking(program.command('scan').argument('<PLACE>', 's3://bucket/prefix, or a directory of a site')),
  )
    .description('Count what is at a place, what a filter takes of it, and what moving that would take.')
    .option('--include <glob>', 'only what matches; can be repeated', collect)
    .option('--exclude <glob>', 'not what matches; can be repeated, and wins over --include', collect)
    .option('--to <store>', 'estimate a copy to a connection, https://host, aws or directory')
    .addHelpText('after', scanHelp)
    .action((place: string, options) =>
      run(options, async (io) => (await import('../scan.ts')).scanPlace(place, options, io)),
    )

  defining(asking(program.command('preflight')))
    .description('Say whether a migration would work, before it is made.')
    .addHelpText('after', preflightHelp)
    .action((source: string, destination: string, options) =>
      run(options, async (io) =>
        (await import('../migration-preflight.ts')).runPreflight(source, destination, options, io),
      ),
    )
}

const reaching = (command: Command): Command =>
  command
    .option('--connection <name>', 'how agents reach it, as `dray connection list` shows it')
    .option('--site <name>', 'an agent of this site; needed for a directory, but with dray up')
    .option('--profile <name>', 'without a connection: an AWS profile that the agents have')
    .option('--endpoint <url>', 'the S3 endpoint, if it is not AWS')
    .option('--region <name>', 'its region')
    .option('--anonymous', 'a public bucket, without credentials')
    .option('--requester-pays', 'pay for it, where the bucket asks for that')

const browseHelp = `
Examples:
  dray browse s3:// --connection archive            its buckets
  dray browse s3://photos/2026/ --connection archive
  dray browse /srv --site paris

Nothing is looked at from here: an agent that reaches the place does, as far as its allow-list lets it. Where
that names only what lies further down, the way there is shown. Links are told, and not followed.`

const scanHelp = `
Examples:
  dray scan s3://photos --connection archive
  dray scan s3://photos --connection archive --include '*.jpg' --exclude '/drafts/**'
  dray scan s3://photos --connection archive --to new      how long, how many requests, at what price?

Globs are those of dray copy. Patterns that name folders narrow what is listed. Prices are public list prices of a few
vendors, with their date; yours may differ. Storage is not counted.`

const preflightHelp = `
Rights, what the destination cannot hold, what is there already, archived objects, clocks. What is written to find out is
deleted again. The options are those of dray migration create.

Examples:
  dray preflight s3://old/2026 s3://new/2026 --source-connection old --destination-connection new
  dray preflight /srv/archive s3://archive --source-site paris --destination-connection new --delete

Exit status: 0 nothing stops it; 1 something does; 2 nobody could be asked.`
