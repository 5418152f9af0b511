/** Before a mirror serves: that its journal is of these two sides, and whether the new one can be read from. */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { DrayError, type ErrorCode, toDrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { everything } from '../../shared/range.ts'
import { element, wrap, xmlDocument } from '../s3-server/xml.ts'
import type { Journal } from './journal.ts'
import type { Side, SideName, SideRequest } from './side.ts'

/** What is remembered of two places says nothing of two others. */
export async function holdToSides(journal: Journal, old: Side, fresh: Side): Promise<void> {
  for (const side of [old, fresh]) {
    const known = journal.fact(side.name)
    if (known === null) await journal.setFact(side.name, side.place)
    else if (known !== side.place)
      throw new DrayError(
        'config',
        'start',
        `this state directory belongs to a mirror whose ${side.name} side is ${known}, not ${side.place}`,
        { hint: 'Give each mirror a directory of its own with --state-dir.' },
      )
  }
}

/** Which side is the side of record is the journal's to know; `asked` says it to a new one. */
export async function settleRecord(journal: Journal, asked: SideName | null): Promise<void> {
  const known = journal.fact('record')
  if (known === null) await journal.setFact('record', asked ?? 'old')
  else if (asked !== null && asked !== known)
    throw new DrayError('config', 'start', `the side of record is the ${known} one, not the ${asked} one`, {
      hint: `Start it without --record, and then: dray mirror switch ${asked}. That waits until both sides are equal.`,
    })
}

const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unreachable',
  'timeout',
  'throttled',
  'server-error',
])

/** Throws what nobody but an operator mends: a wrong key, no such bucket. A store that is only down may come back. */
export async function lookAt(side: Side, signal: AbortSignal): Promise<void> {
  try {
    await side.storage.list(everything, { signal })[Symbol.asyncIterator]().next()
  } catch (error) {
    if (!(error instanceof DrayError) || !passing.has(error.code)) throw error
  }
}

/**
 * Why reads stay on the old side, or null. A copy of the backfill that does not land under a condition may land on top of what was mirrored
 * later, and whoever reads the new side would read that.
 */
export async function whyStay(
  reads: 'auto' | 'old' | 'new',
  fresh: Side,
  signal: AbortSignal,
): Promise<string | null> {
  if (reads === 'old') return 'it was asked for'
  if (reads === 'new') return null
  const key = keyFromText(`.dray-probe-${randomBytes(8).toString('hex')}`)
  try {
    const ignored = await ignoredBy(fresh, key, signal)
    return ignored && `the new side does not hold ${ignored} to its conditions`
  } catch (error) {
    return `the new side could not be asked whether it holds writes to their conditions: ${toDrayError(error, 'probe').message}`
  } finally {
    await fresh.ask({ method: 'DELETE', key, signal }).catch(() => {})
  }
}

/** Found out by trying: what a backfill writes is one of these. Null where all of them are held to what they expect. */
async function ignoredBy(side: Side, key: Key, signal: AbortSignal): Promise<string | null> {
  const body = Buffer.from('probe')
  const ask = (request: Omit<SideRequest, 'key' | 'signal'>) => side.ask({ ...request, key, signal })
  const write = (headers: Record<string, string>) => ask({ method: 'PUT', headers, body })
  const nothingThere = { 'if-none-match': '*' }
  if ((await write(nothingThere)).status >= 300) return 'a write (If-None-Match)'
  if ((await write(nothingThere)).status !== 412) return 'a write (If-None-Match)'
  if ((await write({ 'if-match': `"${'0'.repeat(32)}"` })).status !== 412) return 'a write (If-Match)'
  const begun = await ask({ method: 'POST', query: { uploads: '' } })
  const uploadId = /<UploadId>([^<]+)</.exec(begun.body.toString('latin1'))?.[1]
  if (uploadId === undefined) return 'an upload'
  try {
    const part = await ask({ method: 'PUT', query: { partNumber: '1', uploadId }, body })
    const etag = (part.head.get('etag') ?? '').replaceAll('"', '')
    const parts = wrap('Part', element('PartNumber', 1) + element('ETag', `"${etag}"`))
    const document = Buffer.from(xmlDocument('CompleteMultipartUpload', parts))
    const done = await ask({ method: 'POST', query: { uploadId }, headers: nothingThere, body: document })
    return done.status === 412 ? null : 'a completed upload (If-None-Match)'
  } finally {
    await ask({ method: 'DELETE', query: { uploadId } }).catch(() => {})
  }
}

/** Found out by a part of an upload, which nobody ever sees. */
export async function takesTrailers(side: Side, signal: AbortSignal): Promise<boolean> {
  const key = keyFromText(`.dray-probe-${randomBytes(8).toString('hex')}`)
  const ask = (request: Omit<SideRequest, 'key' | 'signal'>) => side.ask({ ...request, key, signal })
  try {
    const begun = await ask({ method: 'POST', query: { uploads: '' } })
    const uploadId = /<UploadId>([^<]+)</.exec(begun.body.toString('latin1'))?.[1]
    if (uploadId === undefined) return false
    try {
      const body = Buffer.from(`5\r\nprobe\r\n0\r\nx-amz-checksum-crc32:${crc32Of('probe')}\r\n\r\n`)
      const headers = {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': '5',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      }
      return (await ask({ method: 'PUT', query: { partNumber: '1', uploadId }, headers, body })).status < 300
    } finally {
      await ask({ method: 'DELETE', query: { uploadId } }).catch(() => {})
    }
  } catch {
    return false
  }
}

function crc32Of(text: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(text))
  return bytes.toString('base64')
}
