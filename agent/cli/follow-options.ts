/** How a migration follows its source, and what a cut-over asks of it, as a person gives it. What is not given is not said. */
import { type Command, Option } from 'commander'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { type EventSource, type Follow, followSchema } from '../../shared/life.ts'
import { depths } from '../../shared/policy.ts'
import { refuseRelative, siteIn } from './definition.ts'
import { collect, share, time } from './options.ts'
import { folderPrefix, parsePlace } from './place.ts'

const day = 86_400

export function followOptions(command: Command): Command {
  return command
    .addOption(time('--pause-at-least <time>', 'shortest pause between two passes that follow; 10s', 1, day))
    .addOption(time('--pause-at-most <time>', 'longest one, where little changes; 1h', 1, 7 * day))
    .addOption(time('--lag <time>', 'how late it may be for a cut-over to go on; 5m', 1, 7 * day))
    .addOption(
      time('--quiet <time>', 'between the two listings that have to agree in a cut-over; 60s', 0, day),
    )
    .addOption(
      new Option('--verify-depth <depth>', 'of the verification in a cut-over; checksum').choices(depths),
    )
    .addOption(
      new Option(
        '--sample <share>',
        'of the objects, read in full on both sides besides: 5%, or none',
      ).argParser(shareOrNone),
    )
    .option(
      '--events <source>',
      'changes are heard of by: webhook, watch (of a directory), sqs:URL, or none; can be repeated',
      collect,
    )
    .option('--events-region <name>', 'region of the sqs queue')
    .option('--events-profile <name>', 'AWS profile of the agents for the sqs queue')
    .option('--events-connection <name>', 'connection whose credential is good for the sqs queue')
    .option(
      '--baseline <place>',
      'where all agents keep what both sides were; s3://bucket/prefix, a directory, or none',
    )
    .option('--baseline-connection <name>', 'how agents reach it')
    .option('--baseline-site <name>', 'where that directory is')
}

export const shareOrNone = (text: string): number | null => (text === 'none' ? null : share(text))

const rawSchema = z.object({
  pauseAtLeast: z.number().optional(),
  pauseAtMost: z.number().optional(),
  lag: z.number().optional(),
  quiet: z.number().optional(),
  verifyDepth: z.enum(depths).optional(),
  sample: z.number().nullable().optional(),
  events: z.array(z.string()).optional(),
  eventsRegion: z.string().optional(),
  eventsProfile: z.string().optional(),
  eventsConnection: z.string().optional(),
  baseline: z.string().optional(),
  baselineConnection: z.string().optional(),
  baselineSite: z.string().optional(),
})
type Raw = z.infer<typeof rawSchema>

/** With what is given over what was there. Null: nothing is given. Throws `usage`. */
export function parseFollow(options: unknown, before: Follow, workspace: string): Follow | null {
  const raw = rawSchema.parse(options)
  const { pauseAtLeast, pauseAtMost, lag, quiet, verifyDepth: depth, sample } = raw
  const events = eventsOf(raw)
  const baseline = baselineOf(raw, workspace)
  const said = { pauseAtLeast, pauseAtMost, lag, quiet, depth, sample, events, baseline }
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  if (Object.keys(given).length === 0) return null
  const follow = followSchema.parse({ ...before, ...given })
  if (follow.pauseAtLeast <= follow.pauseAtMost) return follow
  throw usage(
    `the shortest pause, ${follow.pauseAtLeast} s, is longer than the longest, ${follow.pauseAtMost} s`,
    'Give --pause-at-least and --pause-at-most together.',
  )
}

function eventsOf({ events, eventsRegion, eventsProfile, eventsConnection }: Raw): EventSource[] | undefined {
  const more = { region: eventsRegion, profile: eventsProfile, connection: eventsConnection }
  const alone = Object.entries(more).find(([, value]) => value !== undefined)
  if (alone && !events?.some((each) => each.startsWith('sqs:'))) {
    throw usage(`--events-${alone[0]} is given without a queue`, 'Give --events sqs:URL with it.')
  }
  if (events?.includes('none')) {
    if (events.length === 1) return []
    throw usage('--events none is given with another', 'Leave one of them out.')
  }
  return events?.map((each) => {
    if (each === 'webhook' || each === 'watch') return { kind: each }
    const queue = /^sqs:(https?:\/\/.+)$/.exec(each)?.[1]
    const parsed = followSchema.shape.events.safeParse([{ kind: 'sqs', queue, ...more }])
    if (queue !== undefined && parsed.success) return parsed.data[0]!
    throw usage(
      `--events ${each} is nothing that changes are heard of by`,
      'Give webhook, watch, or sqs:https://sqs.eu-west-3.amazonaws.com/123456789012/changes.',
    )
  })
}

function baselineOf(raw: Raw, workspace: string): Follow['baseline'] | undefined {
  const { baseline, baselineConnection: connection, baselineSite } = raw
  if (baseline === undefined || baseline === 'none') {
    const alone =
      connection !== undefined
        ? '--baseline-connection'
        : baselineSite !== undefined
          ? '--baseline-site'
          : null
    if (alone)
      throw usage(`${alone} is given without --baseline`, 'Give --baseline s3://bucket/prefix with it.')
    return baseline === undefined ? undefined : null
  }
  refuseRelative('--baseline', baseline)
  const place = parsePlace(baseline, 'PLACE', '/')
  const site = baselineSite ?? null
  if (place.kind === 'file') {
    const here = site ?? siteIn(workspace)
    if (here !== null && connection === undefined) return { kind: 'file', path: place.path, site: here }
    throw usage(
      connection === undefined
        ? `nothing says where ${place.path} is`
        : '--baseline-connection is given, but the baseline is in a directory',
      'Give --baseline-site NAME: agents of one site see the same directories.',
    )
  }
  const { bucket, key } = place
  const location = {
    kind: 's3',
    bucket,
    prefix: folderPrefix(key),
    endpoint: null,
    region: null,
    profile: null,
    site,
  }
  const parsed = followSchema.shape.baseline.safeParse({
    ...location,
    ...(connection !== undefined && { connection }),
  })
  if (parsed.success) return parsed.data
  throw usage(
    `--baseline: ${parsed.error.issues[0]?.message}`,
    'Give s3://bucket/prefix, and --baseline-connection.',
  )
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
