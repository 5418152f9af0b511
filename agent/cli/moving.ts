/** The grammar and the help of `dray copy` and `dray verify`. request.ts makes sense of what is given. */
import { type Command, Option } from 'commander'
import { unmatchedPolicies } from '../../shared/mapping.ts'
import {
  archivedPolicies,
  compares,
  conflictPolicies,
  defaultDeleteCap,
  depths,
  restoreTiers,
  serverSideCopies,
  symlinkPolicies,
  versionPolicies,
} from '../../shared/policy.ts'
import { fidelityOptions, tagsOption } from './fidelity-options.ts'
import {
  choice,
  collect,
  common,
  concurrency,
  deleteCap,
  memory,
  share,
  threads,
  time,
  whole,
} from './options.ts'

export function moving(program: Command, kind: 'copy' | 'verify'): Command {
  const command = program
    .command(kind)
    .argument('<SRC>', 'a directory, a file, s3://bucket, s3://bucket/prefix or s3://bucket/object')
    .argument('<DST>', 'a directory, s3://bucket or s3://bucket/prefix')
    .description(
      kind === 'copy'
        ? 'Copy what is in SRC and not yet, or not equally, in DST. Run again after an interruption, it goes on.'
        : 'Compare SRC with DST, and change nothing.',
    )
  command.optionsGroup('What is moved:')
  choosing(command)
  if (kind === 'copy') {
    command.optionsGroup('What is done:')
    command.option('--dry-run', 'count what a copy would do, and change nothing')
    doing(command)
    command.optionsGroup('What of an object goes along besides its bytes:')
    fidelityOptions(command)
    command.optionsGroup('Archived objects:')
    archives(command)
  } else {
    command.optionsGroup('What is compared:')
    comparing(command)
    command.option('--certificate <file>', 'where everything is equal: write the signed proof of it')
  }
  command.optionsGroup('Other keys in DST, and lists of keys:')
  mapping(command)
  command.optionsGroup('The two places:')
  places(command)
  command.optionsGroup('Running:')
  return common(command)
    .option('--limit <rate>', 'most bytes a second to and from each side: 50MB/s, 50MiB/s or 400Mbit/s')
    .option('--requests <rate>', 'most requests a second to each store: 200/s')
    .addOption(concurrency())
    .addOption(memory())
    .addOption(threads())
    .option('--json', 'print one JSON object as the last line of standard output')
    .addHelpText('after', kind === 'copy' ? copyHelp : verifyHelp)
}

/** What all passes of a migration do. */
export function policing(command: Command): Command {
  const own = [...command.options]
  command.optionsGroup('What its passes do (what is not given is as `dray copy` has it):')
  doing(command)
  looking(command)
  command.optionsGroup('What of an object goes along besides its bytes:')
  fidelityOptions(command)
  command.optionsGroup('Archived objects:')
  archives(command)
  return withoutDefaults(
    command,
    command.options.filter((option) => !own.includes(option)),
  )
}

/** Of a pass of a migration that there is: what is not given is as the migration says. */
export function passing(command: Command): Command {
  const own = [...command.options]
  command.optionsGroup('What is done (what is not given is as the migration says, or else as usual):')
  command.option('--dry-run', 'count what a copy would do, and change nothing')
  doing(command)
  command.option('--no-delete', 'delete nothing in DST, whatever the migration says')
  looking(command)
  command.optionsGroup('Instead of a copy:')
  command.option('--verify', 'compare the two places, and change nothing')
  depth(command)
  sampling(command)
  command.option('--one-way', 'do not mind what is only in DST')
  command.optionsGroup('What of an object goes along besides its bytes:')
  fidelityOptions(command)
  command.optionsGroup('Archived objects:')
  archives(command)
  return withoutDefaults(
    command,
    command.options.filter((option) => !own.includes(option)),
  )
}

/** What is not given is not said, so that the control plane's own word stands. */
export function withoutDefaults(command: Command, names: readonly Option[]): Command {
  for (const option of names) {
    option.default(undefined)
    command.setOptionValue(option.attributeName(), undefined)
  }
  return command
}

export function choosing(command: Command): void {
  command
    .option('--include <glob>', 'only what matches; can be repeated', collect)
    .option('--exclude <glob>', 'not what matches; can be repeated, and wins over --include', collect)
  looking(command)
}

function looking(command: Command): void {
  command
    .addOption(
      choice(
        '--symlinks <policy>',
        'links in a directory: leave them out, or copy the files that they lead to',
        symlinkPolicies,
        'skip',
      ),
    )
    .addOption(
      choice(
        '--versions <which>',
        'the newest version of each object; or all of them, and delete markers, in order (both sides buckets, DST with versioning)',
        versionPolicies,
        'newest',
      ),
    )
}

export function doing(command: Command): void {
  command
    .option('--delete', 'delete in DST what SRC does not have')
    .addOption(
      time(
        '--delete-after <time>',
        'not before it has been missing in SRC for so long: 90s, 5m, 1h or 2d',
        0,
        366 * 86_400,
      ).default(0, 'at once'),
    )
    .addOption(
      new Option(
        '--max-delete <cap>',
        'where more would be deleted, delete nothing: 500 objects, or 10% of those in DST',
      )
        .argParser(deleteCap)
        .default(defaultDeleteCap, '50%'),
    )
    .addOption(
      choice(
        '--conflicts <policy>',
        'what somebody else has written or deleted in DST since both were equal, as far as is known; overwrite: it is made as SRC is; park: it stays as it is, and fails as a conflict',
        conflictPolicies,
        'overwrite',
      ),
    )
    .addOption(
      choice(
        '--compare <how>',
        'when equal sizes are the same; auto: ETags, else what is known from before, else times; checksum: hash where ETags do not tell; mtime: times; full: every byte',
        compares,
        'auto',
      ),
    )
    .addOption(
      choice(
        '--server-side-copy <policy>',
        'auto: where SRC and DST are one store, it copies by itself',
        serverSideCopies,
        'auto',
      ),
    )
}

function comparing(command: Command): void {
  depth(command)
  sampling(command)
  command.addOption(tagsOption()).option('--one-way', 'do not mind what is only in DST')
}

function depth(command: Command): void {
  command.addOption(
    choice(
      '--depth <depth>',
      'listing: sizes and ETags; checksum: contents where those do not prove it; full: every byte',
      depths,
      'checksum',
    ),
  )
}

const sampling = (command: Command): void =>
  void command.addOption(
    new Option(
      '--sample <share>',
      'read this share of the objects in full besides, chosen at random: 1%',
    ).argParser(share),
  )

export function archives(command: Command): void {
  command
    .addOption(
      choice(
        '--archived <policy>',
        'of objects in GLACIER and the like: fail, leave out, or restore and wait',
        archivedPolicies,
        'fail',
      ),
    )
    .addOption(
      new Option('--restore-days <number>', 'how long restored copies stay')
        .argParser(whole(1, 365))
        .default(7),
    )
    .addOption(
      choice('--restore-tier <tier>', 'how fast, and how dear, a restore is', restoreTiers, 'Standard'),
    )
}

export function mapping(command: Command): void {
  command
    .option('--map-to <template>', 'what a key of SRC becomes in DST, such as {id[0:2]}/{id}/{name}')
    .option('--map-pattern <regex>', 'what a key must be for that; its named groups are for the template')
    .option('--map-prefix <from=to>', 'keys that begin with FROM begin with TO in DST')
    .addOption(
      new Option(
        '--map-unmatched <policy>',
        'keys that the mapping does not match: each a failure (the default), left out, or copied as they are',
      ).choices(unmatchedPolicies),
    )
    .option('--manifest <file>', 'only the keys that this CSV or NDJSON lists; a path or s3://bucket/key')
    .option('--manifest-columns <names>', 'of a CSV without a header: key, version, newKey, bucket or -')
    .addOption(
      new Option(
        '--manifest-keys <how>',
        'whether its keys are escaped as in URLs (default: where it names buckets)',
      ).choices(['plain', 'url']),
    )
}

export function places(command: Command): void {
  for (const side of ['source', 'destination'] as const) {
    const place = side === 'source' ? 'SRC' : 'DST'
    command
      .option(`--${side}-profile <name>`, `AWS profile for ${place} (keys, region, endpoint_url)`)
      .option(`--${side}-endpoint <url>`, `S3 endpoint of ${place}, if it is not AWS`)
      .option(`--${side}-region <name>`, `region of ${place}`)
      .option(`--${side}-customer-key <name>`, `key for objects of ${place} encrypted with your own (SSE-C)`)
  }
  command
    .option('--source-anonymous', 'read SRC, a public bucket, without credentials')
    .option('--source-requester-pays', 'pay for what is read of SRC, a bucket that asks for it')
}

const copyHelp = `
Places:
  s3://b/photos and s3://b/photos/ both mean the keys below photos/, never those of photos2.
  A single file or object as SRC goes into DST under its own name. DST is always a folder.
  Keys are taken as they are written, without escapes; quote them for your shell.
  Keys, region and endpoint come from the AWS chain: environment, ~/.aws/config, instance role.

Globs: * and ? stay within a folder, ** crosses folders, {a,b} and [a-z] work. A pattern without /
matches names at any depth; one that begins with / is anchored at SRC. What they leave out is not
listed, not counted and never deleted.

With --delete, nothing is deleted until all of it is counted. Where that is more than --max-delete allows (half of what
is in DST, unless told; ten objects are always allowed by a share), nothing is, the rest is done, and it exits with 1.

With --versions all, only what is missing in DST is laid on top of what is there, and --delete lays delete
markers: no version is ever taken away.

Besides its bytes: content headers, user metadata and redirects always go along, tags and storage classes unless
told otherwise. What DST cannot hold, or is not to get, is counted by its kind: see "dropped" in the summary.
A key of your own (--…-customer-key NAME) is 32 bytes in base64, in DRAY_CUSTOMER_KEY_<NAME> or, with mode 0600,
in customer-keys/<NAME> in the state directory. It goes to that store alone.

Other keys in DST: a template is text with {fields}: named groups of --map-pattern, which has to match the
whole key, and {key}, {dir}, {base}, {stem}, {ext}. A field can be cut and changed: {id[0:2]}, {name[-8:]},
{ext:lower}, {id:08}, {key:md5[0:2]}, {base:url}; {{ is a brace. --dry-run shows the first ten.
  --map-pattern 'attachments/(?<id>\\d+)/(?<name>.+)' --map-to 'att/{id:04[0:2]}/{id}/{name}'

Manifests: a row a key, with a header (key, version, newKey) or as S3 Inventory and S3 Batch have them
(bucket,key,version); or JSON lines: {"key": …, "newKey": …}, which a report of Dray is too. Gzip or not.
What a manifest does not name is left alone on both sides.

Examples:
  dray copy /srv/photos s3://photos
  dray copy s3://photos/2026 . --include '*.jpg' --exclude '/drafts/**'
  dray copy s3://a s3://b --source-endpoint http://10.0.0.5:9000 --source-profile minio
  dray copy s3://a s3://b --delete --dry-run        what would be copied and deleted?
  dray copy s3://a s3://b --versions all            every version and delete marker, in order

The report (its path is in the summary) has a line of JSON for every change and every failure.`

const verifyHelp = `
Examples:
  dray verify /srv/photos s3://photos
  dray verify s3://a s3://b --depth full            read and compare every byte, headers, user metadata and tags
  dray verify s3://a s3://b --one-way               what is only in DST does not count
  dray verify s3://a s3://b --sample 1%             read one in a hundred in full, chosen at random
  dray verify s3://a s3://b --certificate proof     and check it later: dray verify-certificate proof

What differs or is missing counts as failed, and is named in the report with its cause.`
