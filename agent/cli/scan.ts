/** `dray scan`: what there is, what a filter takes of it, and what moving that would take. */
import { type Scan, scan } from '../../shared/api/browse.ts'
import { readConnection } from '../../shared/api/connections.ts'
import { DrayError } from '../../shared/error.ts'
import { type EndEstimate, type Estimate, estimate } from '../../shared/estimate.ts'
import { displayKey, keyFromText, visible } from '../../shared/key.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { filterSchema } from '../../shared/policy.ts'
import { type Prices, pricesOf } from '../../shared/prices.ts'
import { together } from '../../shared/scan.ts'
import { bytes, count, duration } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { type LookOptions, parseLookedAt } from './look-at.ts'
import { withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { parseEndpoint } from './request.ts'
import { table } from './table.ts'

interface ScanOptions extends LookOptions {
  include?: string[]
  exclude?: string[]
  to?: string
}

interface Taking extends Estimate {
  readonly prices: { readonly source: Prices | null; readonly destination: Prices | null }
}

export async function scanPlace(text: string, options: ScanOptions, io: Io): Promise<number> {
  const locationIn = parseLookedAt(text, options)
  const { include = [], exclude = [] } = options
  const filter = filterSchema.safeParse({ include, exclude, only: null })
  if (!filter.success)
    throw usage('a pattern is empty, too long, or given too often', `For example --include '*.jpg'`)
  const [found, taking] = await withSomePlane(options, io, async (plane) => {
    const location = locationIn(plane.workspace)
    // Whether it is known is found out before anything is listed.
    const source = options.to === undefined ? null : await pricesAt(location, plane)
    const destination = options.to === undefined ? null : await pricesTo(options.to, plane)
    let sum: Scan | null = null
    for (let cursor: string | null = null; ; ) {
      const body = { location, filter: filter.data, ...(cursor !== null && { cursor }) }
      const part: Scan = await plane.call(scan, { body })
      sum = sum ? together(sum, part) : part
      cursor = part.cursor
      if (cursor === null) break
      if (!options.json) io.stderr.write(`${count(sum.taken.objects + sum.left.objects)} keys so far…\n`)
    }
    const taking: Taking | null =
      options.to === undefined
        ? null
        : { ...estimate(sum, { source, destination }), prices: { source, destination } }
    return [{ sum, location }, taking] as const
  })
  if (options.json) {
    const { cursor: _, ...sum } = found.sum
    io.stdout.write(`${JSON.stringify({ ...sum, ...(taking && { estimate: taking }) })}\n`)
  } else io.stdout.write(visible(textOf(found.sum, found.location) + (taking ? textOfTaking(taking) : '')))
  return exitCodes.equal
}

function textOf(sum: Scan, location: Location): string {
  const { taken, left, archived, storageClasses, sizes, largest, samples, others } = sum
  const row = (name: string, { objects, bytes: n }: Scan['taken']) => [name, count(objects), bytes(n)]
  const classes = Object.entries(storageClasses).map(([name, of]) => row(`  ${name}`, of))
  const rows = [
    row('taken', taken),
    ...(classes.length > 1 ? classes : []),
    ...(archived.objects > 0 ? [row('archived', archived)] : []),
    row('left out', left),
    ...(others > 0 ? [['no objects', count(others), '']] : []),
  ]
  const names = ['< 1 KiB', '< 1 MiB', '< 64 MiB', '< 1 GiB', 'more']
  const some = sizes.flatMap((n, i) => (n > 0 ? [`${names[i]}: ${count(n)}`] : []))
  const examples = (keys: readonly string[]) => keys.slice(0, 3).map(shown).join(', ')
  return [
    `${formatLocation(location)}, as agent ${sum.agent} of site ${sum.site} sees it (${duration(sum.ms / 1000)}):\n\n`,
    table(['', 'OBJECTS', 'BYTES'], rows),
    some.length > 0 ? `\nSizes: ${some.join(', ')}\n` : '',
    largest ? `Largest: ${shown(largest.key)} (${bytes(largest.bytes)})\n` : '',
    samples.taken.length > 0 ? `Taken, for example: ${examples(samples.taken)}\n` : '',
    samples.left.length > 0 ? `Left out, for example: ${examples(samples.left)}\n` : '',
    sum.narrowed ? 'Nothing was listed outside of what the patterns name.\n' : '',
  ].join('')
}

const shown = (key: string) => displayKey(keyFromText(key))

function textOfTaking({ seconds, source, destination, prices }: Taking): string {
  const row = (name: string, { requests, cost }: EndEstimate) => [
    name,
    count(requests.list),
    count(requests.read),
    count(requests.write),
    cost === null ? '' : dollars(cost.requests),
    cost === null ? '' : dollars(cost.egress),
  ]
  const ends = [row('source', source), row('destination', destination)]
  const known = [prices.source, prices.destination].filter((each) => each !== null)
  const notes = [
    ...new Set(known.map(({ name, asOf, note }) => `${name}${asOf === null ? '' : ` (${asOf})`}: ${note}`)),
  ]
  return [
    `\nTo copy it, ${time(seconds)} with one agent, and:\n\n`,
    table(['', 'LIST', 'READ', 'WRITE', 'REQUESTS', 'EGRESS'], ends),
    notes.length === 0 ? '' : `\n${notes.join('\n')}\n`,
  ].join('')
}

const time = ({ least, most }: Estimate['seconds']) =>
  most < 1 ? 'less than a second' : `about ${duration(least)} to ${duration(most)}`

const dollars = (n: number) =>
  n > 0 && n < 0.01
    ? '< $0.01'
    : `$${n.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`

/** Null: a directory, where nobody is paid. */
async function pricesAt(location: Location, plane: PlaneClient): Promise<Prices | null> {
  if (location.kind === 'file') return null
  if (location.connection === undefined) return pricesOf(location.endpoint)
  return pricesOfConnection(location.connection, plane)
}

/** A connection, an address, `aws` or `directory`. */
async function pricesTo(text: string, plane: PlaneClient): Promise<Prices | null> {
  if (text === 'directory') return null
  if (text === 'aws') return pricesOf(null)
  if (/^https?:/.test(text)) return pricesOf(parseEndpoint('--to', text))
  return pricesOfConnection(text, plane)
}

async function pricesOfConnection(connection: string, plane: PlaneClient): Promise<Prices> {
  return pricesOf((await plane.call(readConnection, { params: { connection } })).endpoint)
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
