/**
 * Records (record.ts) in their order, on disk: any range of places can be read as often as anybody likes. They are in one file
 * without a name, so that nothing is left behind, in blocks whose ends are in memory (about 60 bytes for a thousand records).
 * The records of one place are never in two blocks.
 */
import { constants } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { DrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import { fileError } from '../storage/file/file-error.ts'
import { close, open, readFully, unlink, writeFully } from '../storage/file/syscalls.ts'
import { interrupted, throwIfAborted } from '../storage/interrupt.ts'
import { boundAfter, fromRecord, placeIn } from './record.ts'

export interface SortedRun {
  /** Pages in order; all records of a place are in one page. */
  pages(range: Range): AsyncGenerator<string[]>
  /** All records of one place. */
  at(place: Key): Promise<string[]>
  close(): Promise<void>
}

interface Block {
  /** What all its records come before, and all later ones after. */
  readonly bound: string
  readonly offset: number
  readonly length: number
}

const blockRecords = 1_000
/** V8 keeps strings past 128 KiB apart, where they outlive their use. */
const blockBytes = 96 << 10
/** Blocks that are kept in memory when they were read: objects are read about in the order in which they were listed. */
const cachedBlocks = 24
/** One place of more is a mistake in the mapping, and no list of failures. */
const mostOfOnePlace = 1_000

let runCount = 0

/** `batches` rise. Throws `key-clash` where more than 1,000 keys would go to one. */
export async function writeRun(
  batches: AsyncIterable<readonly string[]>,
  { dir, signal }: { dir: string; signal: AbortSignal },
): Promise<SortedRun> {
  const op = `keep sorted keys in ${dir}`
  const said = (error: unknown) => {
    throw fileError(error, op)
  }
  const path = `${dir}/sorted-${process.pid}-${runCount++}`
  await mkdir(dir, { recursive: true }).catch(said)
  const fd = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600).catch(said)
  // Without a name already: however this process ends, nothing is left behind.
  await unlink(path).catch(said)
  const blocks: Block[] = []
  let offset = 0

  async function add(records: readonly string[]): Promise<void> {
    const bytes = Buffer.from(records.join('\0'), 'latin1')
    await writeFully(fd, [bytes], offset).catch(said)
    // A copy: what a string was cut from would stay in memory with it.
    const bound = Buffer.from(`${placeIn(records.at(-1)!)}\x02`, 'latin1').toString('latin1')
    blocks.push({ bound, offset, length: bytes.length })
    offset += bytes.length
  }

  try {
    for await (const block of blocksOf(batches)) {
      throwIfAborted(signal, op)
      await add(block)
    }
  } catch (error) {
    await close(fd)
    throw error
  }

  let closed = false
  /** Memory that is used again, since what is thrown away outside V8's heap is not missed for long. */
  let spare: Buffer | null = null
  async function load({ offset, length }: Block): Promise<string[]> {
    if (closed) throw interrupted(op)
    const memory = spare && spare.length >= length ? spare : Buffer.allocUnsafeSlow(length)
    spare = null
    const bytes = memory.subarray(0, length)
    if ((await readFully(fd, bytes, offset).catch(said)) < length) throw said(new Error('It is damaged.'))
    const text = bytes.toString('latin1')
    spare = memory
    return text.split('\0')
  }

  const cache = new Map<number, Promise<string[]>>()
  function read(index: number): Promise<string[]> {
    const known = cache.get(index)
    const records = known ?? load(blocks[index]!)
    cache.delete(index)
    cache.set(index, records)
    if (!known) records.catch(() => cache.delete(index))
    for (const [oldest] of cache) {
      if (cache.size <= cachedBlocks) break
      cache.delete(oldest)
    }
    return records
  }

  async function* pages({ after, through }: Range): AsyncGenerator<string[]> {
    const from = after === null ? '' : boundAfter(after)
    const to = through === null ? null : boundAfter(through)
    for (let i = firstWhere(blocks.length, (n) => blocks[n]!.bound > from); i < blocks.length; i++) {
      const records = await read(i)
      const first = firstWhere(records.length, (n) => records[n]! >= from)
      const last = to === null ? records.length : firstWhere(records.length, (n) => records[n]! >= to)
      if (last > first) yield records.slice(first, last)
      if (last < records.length) return
    }
  }

  return {
    pages,
    async at(place) {
      const to = boundAfter(place)
      const index = firstWhere(blocks.length, (n) => blocks[n]!.bound >= to)
      if (index === blocks.length) return []
      const records = await read(index)
      const from = `${to.slice(0, -1)}\x01`
      const first = firstWhere(records.length, (n) => records[n]! >= from)
      const last = firstWhere(records.length, (n) => records[n]! >= to)
      return records.slice(first, last)
    },
    async close() {
      closed = true
      await close(fd)
    },
  }
}

async function* blocksOf(batches: AsyncIterable<readonly string[]>): AsyncGenerator<string[]> {
  let block: string[] = []
  let bytes = 0
  /** Of the last record; how many it has so far. */
  let place = ''
  let ofPlace = 0
  for await (const batch of batches) {
    for (const record of batch) {
      const isSame = record.startsWith(place) && record.charCodeAt(place.length) === 1
      if (!isSame || ofPlace === 0) {
        if (block.length >= blockRecords || bytes >= blockBytes) {
          yield block
          block = []
          bytes = 0
        }
        place = placeIn(record)
        ofPlace = 0
      }
      if (++ofPlace > mostOfOnePlace) throw tooManyAt(record)
      block.push(record)
      bytes += record.length + 1
    }
  }
  if (block.length > 0) yield block
}

function tooManyAt(record: string): DrayError {
  const key = displayKey(fromRecord(record).place)
  return new DrayError(
    'key-clash',
    'map keys',
    `More than ${mostOfOnePlace.toLocaleString('en')} objects of the source would become ${key}.`,
    { hint: 'Change the mapping so that different objects get different keys.' },
  )
}

/** The least index for which `is` holds; `length` where there is none. It holds for all above one for which it does. */
function firstWhere(length: number, is: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (is(middle)) high = middle
    else low = middle + 1
  }
  return low
}
