/**
 * Leaves at a location that every agent of a migration reads and writes, so that each knows what the others have settled. A leaf there is what
 * it is on disk (leaf.ts): written once, and gone only when nothing refers to it. There is no index: a leaf's header says of which range it tells,
 * and when its listings began, which is enough to order them; each agent has an index of its own, and brings it up to date.
 *
 *   <location>/<pair>/<when its listings began, 12 hex digits>-<random>.leaf
 *
 * So names rise with time, about; a listing of them is a request per thousand leaves.
 */
import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { prefixRange } from '../../shared/range.ts'
import { BytesBody, drain } from '../body.ts'
import type { Storage } from '../storage/storage.ts'
import { headerBytes, type LeafHeader, parseHeader } from './leaf.ts'

export interface SharedLeaf {
  readonly name: string
  /** Bytes. */
  readonly size: number
}

export interface SharedLeaves {
  /** Pages of them, in the order of their names. */
  list(): AsyncIterable<SharedLeaf[]>
  /** Null where it is gone, or no leaf. */
  header(leaf: SharedLeaf): Promise<LeafHeader | null>
  /** Null where it is gone. */
  read(name: string): Promise<Buffer | null>
  /** Its name. `began`: when its listings did (ms). */
  write(bytes: Buffer, began: number): Promise<string>
  remove(name: string): Promise<void>
  close(): Promise<void>
}

/** Past it a leaf is none of ours. */
const mostBytes = 64 * 1024 * 1024

/** `pair`: of what it is the baseline; hex. Closes `storage`. */
export function sharedLeaves(storage: Storage, pair: string): SharedLeaves {
  const folder = keyFromText(`${pair}/`)
  const keyOf = (name: string) => (folder + name) as Key
  const closing = new AbortController()
  const { signal } = closing
  // Many leaves are read at once.
  setMaxListeners(0, signal)

  async function bytesOf(name: string, most: number): Promise<Buffer | null> {
    const reading = await storage.read(keyOf(name), { signal, range: { first: 0, last: most - 1 } })
    if (reading === null) return null
    if (reading.bytes) return Buffer.from(reading.bytes)
    const chunks: Buffer[] = []
    const digest = { update: (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk)) }
    await drain(reading.body, { size: most, op: `read ${name} in ${storage.name}`, digest }, signal)
    return Buffer.concat(chunks)
  }

  return {
    async *list() {
      for await (const page of storage.list(prefixRange(folder), { signal, fresh: true })) {
        yield page.flatMap(({ key, kind, size }) => {
          const name = key.startsWith(folder) ? key.slice(folder.length) : ''
          return kind === 'object' && isName(name) && size > 0 && size <= mostBytes ? [{ name, size }] : []
        })
      }
    },
    async header({ name, size }) {
      let header: LeafHeader | number | null = Math.min(size, headerBytes)
      // Twice where it is long.
      for (let tries = 0; typeof header === 'number' && header <= size && tries < 2; tries++) {
        const bytes: Buffer | null = await bytesOf(name, header)
        header = bytes && parseHeader(bytes)
      }
      return typeof header === 'number' ? null : header
    },
    async read(name) {
      const head = await storage.head(keyOf(name), signal)
      return head && head.entry.size > 0 ? bytesOf(name, Math.min(head.entry.size, mostBytes)) : null
    },
    async write(bytes, began) {
      const name = `${began.toString(16).padStart(12, '0')}-${randomBytes(12).toString('hex')}.leaf`
      const metadata = { headers: { 'content-type': 'application/octet-stream' }, user: {} }
      await storage.write(keyOf(name), new BytesBody(bytes, null), metadata, signal)
      return name
    },
    async remove(name) {
      await storage.delete(keyOf(name), { signal })
    },
    async close() {
      closing.abort(new DrayError('interrupted', 'baseline', 'The pass is over.', { retry: 'later' }))
      await storage.close()
    },
  }
}

const isName = (name: string) => /^[0-9a-f]{12}-[0-9a-f]{24}\.leaf$/.test(name)
