/**
 * A pass's report: the accepted reports of its packets, one after the other. Memory holds one page of names and the little that is on its
 * way, whatever the number of packets.
 */
import type { ReportLine } from '../../shared/api/migrations.ts'
import type { ReportFormat } from '../../shared/api/passes.ts'
import type { ReportsPage } from '../migration-views.ts'
import { reportCsv } from './report-csv.ts'

/** How many bodies are asked for ahead of the one that is sent; a Worker has six connections. */
const ahead = 4

export const reportName = (
  workspace: string,
  migration: string,
  pass: number,
  packet: number,
  generation: number,
) => `${workspace}/migrations/${migration}/passes/${pass}/${packet}-${generation}.ndjson.gz`

/** All that a migration has. */
export const deleteReports = (bucket: R2Bucket, workspace: string, migration: string): Promise<void> =>
  deleteStored(bucket, `${workspace}/migrations/${migration}/`)

/** Every object whose key begins so. */
export async function deleteStored(bucket: R2Bucket, prefix: string): Promise<void> {
  for (;;) {
    const { objects, truncated } = await bucket.list({ prefix })
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key))
    if (!truncated) return
  }
}

interface Reports {
  reports(pass: number, from: number): Promise<ReportsPage | null>
}

/** The reports of which pass, and where they are. */
export interface ReportsOf {
  readonly bucket: R2Bucket
  readonly workspace: string
  readonly migration: string
  readonly pass: number
  readonly object: Reports
}

type Append = (
  stored: R2ObjectBody | null,
  name: string,
  writable: WritableStream<Uint8Array>,
) => Promise<void>

export function reportStream(of: ReportsOf, format: ReportFormat): ReadableStream<Uint8Array> {
  switch (format) {
    case 'ndjson':
      return joined(of, appendLines)
    case 'ndjson.gz':
      return joined(of, appendStored, noLines)
    case 'csv':
      return reportStream(of, 'ndjson').pipeThrough(reportCsv())
    case 'csv.gz':
      return reportStream(of, 'csv').pipeThrough(new CompressionStream('gzip') as never)
    default:
      return format satisfies never
  }
}

/** `first`: what it begins with, where nothing at all would be no file of its kind. */
function joined(
  of: ReportsOf,
  append: Append,
  first?: () => Promise<Uint8Array>,
): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream()
  const write = async () => {
    if (first) await writeTo(writable, await first())
    await pipe(of, append, writable)
  }
  void write().catch((error) => writable.abort(error).catch(() => {}))
  return readable
}

async function pipe(
  { bucket, workspace, migration, pass, object }: ReportsOf,
  append: Append,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  for (let from: number | null = 0; from !== null; ) {
    const page: ReportsPage | null = await object.reports(pass, from)
    const names = (page?.reports ?? []).map(({ packet, generation }) =>
      reportName(workspace, migration, pass, packet, generation),
    )
    const asked: Promise<R2ObjectBody | null>[] = []
    for (const [i, name] of names.entries()) {
      while (asked.length < Math.min(names.length, i + ahead)) {
        const next = bucket.get(names[asked.length]!)
        next.catch(() => {}) // Awaited in its turn; one before it may end it all.
        asked.push(next)
      }
      await append(await asked[i]!, name, writable)
    }
    from = page?.next ?? null
  }
  await writable.close()
}

/** Unpacked. A report that is missing or damaged is said in a line of its own, and does not hide the others. */
const appendLines: Append = async (stored, name, writable) => {
  const writer = writable.getWriter()
  let last = newline
  try {
    if (!stored) throw new Error(missing)
    const lines = stored.body.pipeThrough(new DecompressionStream('gzip'))
    for await (const chunk of lines as ReadableStream<Uint8Array>) {
      if (chunk.length === 0) continue
      last = chunk.at(-1)!
      await writer.write(chunk)
    }
    if (last !== newline) await writer.write(Uint8Array.of(newline))
  } catch (error) {
    // The reader may be the one who is gone: then this throws too, and ends it all.
    const why = error instanceof Error ? error.message : String(error)
    await writer.write(encoder.encode(`${last === newline ? '' : '\n'}${lostLine(name, why)}\n`))
  } finally {
    writer.releaseLock()
  }
}

/** As it is stored: gzip files, one after the other, are one. What is damaged within its bounds stays so. */
const appendStored: Append = async (stored, name, writable) => {
  const reader = stored?.body.getReader()
  const first = (await reader?.read())?.value ?? new Uint8Array()
  reader?.releaseLock()
  if (stored && first[0] === 0x1f && first[1] === 0x8b) {
    await writeTo(writable, first)
    await stored.body.pipeTo(writable, { preventClose: true })
    return
  }
  await stored?.body.cancel()
  await writeTo(writable, await packed(`${lostLine(name, stored ? 'it is no gzip' : missing)}\n`))
}

async function writeTo(writable: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter()
  try {
    await writer.write(bytes)
  } finally {
    writer.releaseLock()
  }
}

async function packed(text: string): Promise<Uint8Array> {
  const gzip = new Blob([text]).stream().pipeThrough<Uint8Array>(new CompressionStream('gzip') as never)
  return new Uint8Array(await new Response(gzip).arrayBuffer())
}

const noLines = () => packed('')
const encoder = new TextEncoder()
const missing = 'it is not there'
const newline = 10

const lostLine = (name: string, why: string) =>
  JSON.stringify({
    key: '',
    outcome: 'failed',
    bytes: 0,
    code: 'internal',
    message: `the report ${name} cannot be read: ${why}`,
  } satisfies ReportLine)
