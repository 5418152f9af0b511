/**
 * A pass's report: the accepted reports of its packets, one after the other, unpacked on the way. Memory holds one
 * page of names and the little that is on its way, whatever the number of packets.
 */
import type { ReportLine } from '../../shared/api/migrations.ts'
import type { ReportsPage } from '../migration-views.ts'

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

export function reportStream(
  bucket: R2Bucket,
  workspace: string,
  migration: string,
  pass: number,
  object: Reports,
): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream()
  void pipe(bucket, workspace, migration, pass, object, writable).catch((error) =>
    writable.abort(error).catch(() => {}),
  )
  return readable
}

async function pipe(
  bucket: R2Bucket,
  workspace: string,
  migration: string,
  pass: number,
  object: Reports,
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

/** A report that is missing or damaged is said in a line of its own, and does not hide the others. */
async function append(
  stored: R2ObjectBody | null,
  name: string,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  const writer = writable.getWriter()
  let last = newline
  try {
    if (!stored) throw new Error('it is not there')
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
    await writer.write(new TextEncoder().encode(`${last === newline ? '' : '\n'}${lostLine(name, why)}\n`))
  } finally {
    writer.releaseLock()
  }
}

const newline = 10

const lostLine = (name: string, why: string) =>
  JSON.stringify({
    key: '',
    outcome: 'failed',
    bytes: 0,
    code: 'internal',
    message: `the report ${name} cannot be read: ${why}`,
  } satisfies ReportLine)
