/** `dray limit …`: what endpoints may be used for, and who has which share of that now. */
import { deleteLimit, type LimitView, listLimits, putLimit, readLimit } from '../../shared/api/limits.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { endpointName, isZone, type Limit, type LimitValues, limitSchema } from '../../shared/limit.ts'
import { bytes } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withPlane, withSomePlane } from './plane.ts'
import {
  formatValue,
  formatWindow,
  parseBandwidth,
  parseConcurrency,
  parseRequests,
  parseWindow,
} from './quantities.ts'
import { table } from './table.ts'

export interface LimitOptions {
  bandwidth?: string
  requests?: string
  concurrency?: string
  zone?: string
  window?: string[]
}

export async function listAll(options: AskOptions, io: Io): Promise<number> {
  const limits =
    (await withPlane(options, io, async (plane) => {
      const found: LimitView[] = []
      for await (const page of plane.pages(listLimits, {})) found.push(...page.limits)
      return found
    })) ?? []
  if (options.json) io.stdout.write(`${JSON.stringify({ limits })}\n`)
  else if (limits.length === 0) {
    io.stdout.write('No endpoint has a limit. Set one with: dray limit set ENDPOINT --bandwidth 50MB/s\n')
  } else {
    const rows = limits.map(({ endpoint, now, nextChange, zone, windows }) => [
      endpoint,
      ...valuesOf(now),
      nextChange === null ? '' : when(nextChange, zone),
      windows.length === 0 ? '' : String(windows.length),
    ])
    const head = ['ENDPOINT', 'BANDWIDTH', 'REQUESTS', 'AT ONCE', 'UNTIL', 'WINDOWS']
    io.stdout.write(visible(table(head, rows)))
  }
  return exitCodes.equal
}

export async function show(name: string, options: AskOptions, io: Io): Promise<number> {
  const endpoint = named(name)
  const limit = await withSomePlane(options, io, (plane) => plane.call(readLimit, { params: { endpoint } }))
  if (options.json) io.stdout.write(`${JSON.stringify(limit)}\n`)
  else {
    io.stdout.write(visible(details(limit)))
    const rows = limit.shares.map(({ agent, site, share, used }) => [
      agent,
      site,
      ...shareOf(share),
      `${bytes(used.bandwidth)}/s, ${Math.round(used.requests)}/s, ${used.concurrency}`,
    ])
    if (rows.length === 0) io.stdout.write('\nNo agent uses it now.\n')
    else
      io.stdout.write(
        visible(`\n${table(['AGENT', 'SITE', 'BANDWIDTH', 'REQUESTS', 'AT ONCE', 'USES'], rows)}`),
      )
  }
  return exitCodes.equal
}

export async function set(name: string, options: AskOptions & LimitOptions, io: Io): Promise<number> {
  const endpoint = named(name)
  const body = limitOf(options)
  const limit = await withSomePlane(options, io, (plane) =>
    plane.call(putLimit, { params: { endpoint }, body }),
  )
  io.stdout.write(options.json ? `${JSON.stringify(limit)}\n` : visible(details(limit)))
  return exitCodes.equal
}

export async function remove(name: string, options: AskOptions, io: Io): Promise<number> {
  const endpoint = named(name)
  await withSomePlane(options, io, (plane) => plane.call(deleteLimit, { params: { endpoint } }))
  const text = options.json ? JSON.stringify({ removed: endpoint }) : `${endpoint} has no limit any more.`
  io.stdout.write(visible(`${text}\n`))
  return exitCodes.equal
}

export function limitOf(options: LimitOptions): Limit {
  const { bandwidth = 'none', requests = 'none', concurrency = 'none', zone = 'UTC', window = [] } = options
  if (!isZone(zone))
    throw usage(`--zone is no time zone: ${zone}`, 'Give its IANA name, such as Europe/Berlin.')
  const parsed = limitSchema.safeParse({
    bandwidth: parseBandwidth(bandwidth, '--bandwidth'),
    requests: parseRequests(requests, '--requests'),
    concurrency: parseConcurrency(concurrency, '--concurrency'),
    zone,
    windows: window.map(parseWindow),
  })
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  if (path.length === 0) {
    throw usage(
      'nothing is limited',
      'Give --bandwidth, --requests or --concurrency, or a --window. To take a limit away: dray limit remove.',
    )
  }
  const [field, index, ...rest] = path
  const where =
    field === 'windows' ? ['--window', window[Number(index)], ...rest].join(' ') : `--${String(field)}`
  throw usage(`${where}: ${message}`, 'See dray limit set --help.')
}

function named(text: string): string {
  const endpoint = endpointName(text)
  if (endpoint !== null) return endpoint
  throw usage(
    `ENDPOINT is none: ${text}`,
    'Give an address without a path, such as https://s3.example.com or s3.eu-central-1.amazonaws.com, or file:SITE for directories.',
  )
}

const valuesOf = (values: LimitValues): string[] => [
  formatValue('bandwidth', values.bandwidth),
  formatValue('requests', values.requests),
  formatValue('concurrency', values.concurrency),
]

/** A part is no round number. */
const shareOf = ({ bandwidth, requests, concurrency }: LimitValues): string[] => [
  bandwidth === null ? 'none' : `${bytes(bandwidth)}/s`,
  requests === null ? 'none' : `${requests.toFixed(1)}/s`,
  formatValue('concurrency', concurrency),
]

function details({ endpoint, now, nextChange, zone, windows, ...always }: LimitView): string {
  const rows: [string, string][] = [
    ['endpoint', endpoint],
    ['bandwidth', formatValue('bandwidth', always.bandwidth)],
    ['requests', formatValue('requests', always.requests)],
    ['at once', formatValue('concurrency', always.concurrency)],
    ...(windows.length > 0 ? [['zone', zone] as [string, string]] : []),
    ...windows.map((window): [string, string] => ['window', formatWindow(window)]),
    ...(windows.length > 0 ? [['now', valuesOf(now).join(', ')] as [string, string]] : []),
    ...(nextChange === null ? [] : [['until', when(nextChange, zone)] as [string, string]]),
  ]
  return rows.map(([name, value]) => `${name.padEnd(11)}${value}\n`).join('')
}

/** By the clock there. */
const when = (ms: number, zone: string): string =>
  new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(ms)

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
