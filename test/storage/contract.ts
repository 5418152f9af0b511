/**
 * What every storage is held to: the contract of agent/storage/storage.ts as facts. Each adapter's test calls
 * `describeStorage` with a way to open an empty one.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Body, Entry, Metadata, Reading, Storage } from '../../agent/storage/storage.ts'
import { DrayError } from '../../shared/error.ts'
import { displayKey, type Key, keyFromBytes, keyFromText } from '../../shared/key.ts'
import { contains, everything, type Range } from '../../shared/range.ts'

export interface OpenedStorage {
  /** Empty. */
  storage: Storage
  /** Whether it can hold this key, where that is narrower than what `unsupported` says (a server's own limits). */
  holds?: (key: Key) => boolean
  /** Names of what failed writes left behind (temporary files, open uploads), as seen past the adapter. */
  leftovers?: () => Promise<string[]>
  /** The store minds no condition when an upload is completed, or a part is copied. */
  minds?: 'few conditions'
  cleanup(): Promise<void> | void
}

export const noSignal = new AbortController().signal
export const noMetadata: Metadata = { headers: {}, user: {} }

export function bodyOf(content: string | Uint8Array): Body & { opened: Readable[] } {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const opened: Readable[] = []
  return {
    size: bytes.length,
    opened,
    async open() {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += 65_536) chunks.push(bytes.subarray(at, at + 65_536))
      const stream = Readable.from(chunks, { objectMode: false })
      opened.push(stream)
      return stream
    },
  }
}

export async function bytesOf(reading: Reading): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of reading.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function listAll(storage: Storage, range: Range = everything, fresh = false): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const page of storage.list(range, { signal: noSignal, fresh })) entries.push(...page)
  return entries
}

export const put = (storage: Storage, key: string, content: string | Uint8Array, metadata = noMetadata) =>
  storage.write(keyFromText(key), bodyOf(content), metadata, noSignal)

export async function get(storage: Storage, key: string): Promise<Buffer | null> {
  const reading = await storage.read(keyFromText(key), { signal: noSignal })
  return reading && (await bytesOf(reading))
}

export async function inParallel<T>(items: readonly T[], width: number, act: (item: T) => Promise<unknown>) {
  const rest = items[Symbol.iterator]()
  const worker = async () => {
    for (const item of rest) await act(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

/** Bytes that no compression or zero page makes look right by accident. */
export function patterned(size: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let x = seed * 2_654_435_761
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

/** The error of what must fail, as the contract wants it: a `DrayError`. */
export async function failure(promise: Promise<unknown>): Promise<DrayError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DrayError)
  return error as DrayError
}

const text = keyFromText
const bytes = (...list: number[]) => keyFromBytes(Uint8Array.from(list))

/** Keys whose order goes wrong where somebody sorts by directory, by code unit, or without regard to case. */
const orderedKeys: Key[] = [
  ...['!', 'A', 'Z', '_', 'a', 'a!', 'a-b', 'a.txt', 'a/b', 'a/b/c', 'a/b0', 'a0', 'aa', 'b', 'z/z', '~'],
  ...['a b', 'a+b', 'a%2Fb', 'é', 'z\u0301', '\uffee', '\u{10000}', '\u{1f4a9}/x', '\ue000'],
].map(text)

/** Everything that S3 allows in a key and that somebody's code has tripped over, and what files are called. */
export const nastyKeys: Key[] = [
  ...[' ', ' leading', 'trailing ', 'a  b', 'tab\tb', 'line\nb', 'cr\rb', 'nul\0b', 'bell\x07', 'del\x7f'],
  ...[
    '/',
    '//',
    '/a',
    'a/',
    'a//b',
    './a',
    'a/./b',
    '../a',
    'a/../b',
    'a/..',
    '.',
    '..',
    '...',
    'a/...',
    '.a',
  ],
  ...[
    '%',
    '%2F',
    '%2f',
    '%00',
    '+',
    '?',
    '#',
    'a?b=c',
    'a#b',
    '&',
    '<',
    '>',
    '"',
    "'",
    '\\',
    '*',
    '|',
    ':',
    '`',
    '$',
  ],
  ...[
    'é',
    'e\u0301',
    '\u200b',
    '\u202e',
    '\ufeff',
    '\ufffd',
    '\u{1f469}\u200d\u{1f680}',
    '\u{10ffff}',
    '日本/語',
  ],
  ...['C:\\x', 'CON', 'a;b', 'a=b', 'a,b', '~', '-', '--help', '{}', '[x]', '@', '!'],
  ...['x'.repeat(255), 'y'.repeat(256), `${'d/'.repeat(511)}zz`, 'z'.repeat(1024), '€'.repeat(341), ''],
]
  .map(text)
  .concat([bytes(0x66, 0xff, 0x66), bytes(0xc3), bytes(0x80, 0x2f, 0xfe), bytes(0xed, 0xa0, 0x80)])

/** For stores where a name is a file's or a directory's: without keys that another key needs as its directory. */
export function withoutClashes(keys: readonly Key[], storage: Storage): Key[] {
  if (storage.kind !== 'file') return [...keys]
  return keys.filter((key) => !keys.some((other) => other.startsWith(`${key}/`)))
}

/** Takes no options: where stores differ, the storage itself is asked (`kind`, `tokens`, `multipart`, `unsupported`). */
export function describeStorage(name: string, open: () => Promise<OpenedStorage>): void {
  describe(name, () => {
    let opened: OpenedStorage
    let storage: Storage
    beforeEach(async () => {
      opened = await open()
      storage = opened.storage
    })
    afterEach(async () => {
      await storage?.close()
      await opened?.cleanup()
    })
    const holds = (key: Key) => storage.unsupported(key) === null && (opened.holds?.(key) ?? true)
    const nothingLeftBehind = async () => expect((await opened.leftovers?.()) ?? []).toEqual([])
    const write = (key: Key, content: string | Uint8Array) =>
      storage.write(key, bodyOf(content), noMetadata, noSignal)
    const fill = (keys: readonly Key[]) => inParallel(keys, 16, (key) => write(key, key.slice(0, 20)))

    describe('listing', () => {
      test('an empty one has no entries', async () => {
        expect(await listAll(storage)).toEqual([])
      })

      test('is in byte order of the whole key, whatever the order of directories', async () => {
        const keys = withoutClashes(orderedKeys, storage).filter(holds)
        await fill(keys)
        expect((await listAll(storage)).map((e) => e.key)).toEqual([...keys].sort())
      })

      test('an entry says what head says', async () => {
        await put(storage, 'a/b', 'hello')
        const [entry, ...rest] = await listAll(storage)
        expect(rest).toEqual([])
        expect(entry).toMatchObject({ key: 'a/b', kind: 'object', size: 5 })
        const head = await storage.head(text('a/b'), noSignal)
        expect(head!.entry).toMatchObject({ token: entry!.token, size: 5, kind: 'object', key: 'a/b' })
        // S3 heads tell whole seconds only.
        expect(Math.abs(head!.entry.mtime - entry!.mtime)).toBeLessThan(1_000_001)
      })

      test('is held to its range: after is out, through is in, null ends are open', async () => {
        const keys = withoutClashes(orderedKeys, storage).filter(holds).sort()
        await fill(keys)
        const ends = [
          ...keys,
          text('a/'),
          text('a/b/'),
          text('a/b/zz'),
          text('zz'),
          text('0'),
          text('a.'),
          null,
        ]
        for (const after of ends) {
          for (const through of [keys[3]!, keys.at(-2)!, text('a/b/zz'), text('a/'), text('a0'), null]) {
            const range = { after, through }
            const listed = (await listAll(storage, range)).map((e) => e.key)
            expect(listed, JSON.stringify(range)).toEqual(keys.filter((key) => contains(range, key)))
          }
        }
      })

      test('a range of one key holds it, and one of none holds nothing', async () => {
        await fill([text('a'), text('b'), text('c')])
        const keys = async (after: string, through: string) =>
          (await listAll(storage, { after: text(after), through: text(through) })).map((e) => e.key)
        expect(await keys('a', 'b')).toEqual(['b'])
        expect(await keys('b', 'b')).toEqual([])
        expect(await keys('c', 'a')).toEqual([])
        expect(await keys('a', 'a0')).toEqual([])
        expect(await keys('c', 'zzz')).toEqual([])
      })

      test('goes beyond a thousand keys', async () => {
        const keys = Array.from({ length: 2500 }, (_, i) => text(`${i % 3}/k${i}`)).sort()
        await inParallel(keys, 32, (key) => write(key, ''))
        const pages: number[] = []
        const listed: Key[] = []
        for await (const page of storage.list(everything, { signal: noSignal })) {
          pages.push(page.length)
          listed.push(...page.map((e) => e.key))
        }
        expect(listed).toEqual(keys)
        expect(Math.max(...pages)).toBeLessThanOrEqual(1000)
        const range = { after: keys[777]!, through: keys[2222]! }
        expect((await listAll(storage, range)).map((e) => e.key)).toEqual(keys.slice(778, 2223))
      })

      test('can be left in the middle', async () => {
        await fill([text('a'), text('b'), text('c/d')])
        for await (const page of storage.list(everything, { signal: noSignal })) if (page.length > 0) break
        expect(await listAll(storage)).toHaveLength(3)
      })

      test('ends as interrupted when its signal aborts, before and between pages', async () => {
        await fill([text('a'), text('b')])
        const aborted = storage.list(everything, { signal: AbortSignal.abort() })[Symbol.asyncIterator]()
        expect((await failure(aborted.next())).code).toBe('interrupted')
        const controller = new AbortController()
        const seen: Entry[] = []
        const walk = async () => {
          for await (const page of storage.list(everything, { signal: controller.signal })) {
            seen.push(...page)
            controller.abort()
          }
        }
        // A listing that has given its last page may as well just end.
        const thrown = await walk().catch((error) => error as DrayError)
        if (thrown) expect(thrown.code).toBe('interrupted')
        expect(seen.length).toBeLessThanOrEqual(2)
      })
    })

    describe('reading', () => {
      test('gives the bytes that were written, of any size', async () => {
        for (const size of [
          0,
          1,
          65_535,
          65_536,
          65_537,
          (1 << 20) - 1,
          1 << 20,
          (1 << 20) + 1,
          (3 << 20) + 7,
        ]) {
          const content = patterned(size, size + 1)
          const written = await put(storage, 'key', content)
          const reading = await storage.read(text('key'), { signal: noSignal, token: written.token })
          expect(reading!.entry.size).toBe(size)
          expect(content.equals(await bytesOf(reading!)), `${size} bytes`).toBe(true)
        }
      })

      test('a zero-byte object is there, and empty', async () => {
        await put(storage, 'nothing', '')
        expect((await storage.head(text('nothing'), noSignal))!.entry.size).toBe(0)
        expect(await get(storage, 'nothing')).toEqual(Buffer.alloc(0))
      })

      test('gives exactly the byte range that is asked for', async () => {
        const content = patterned(2_500_000)
        await put(storage, 'key', content)
        const size = content.length
        for (const [first, last] of [
          [0, 0],
          [0, size - 1],
          [1, 1_048_576],
          [1_048_576, 2_097_151],
          [size - 1, size - 1],
          [2_000_000, size - 1],
        ] as const) {
          const reading = await storage.read(text('key'), { range: { first, last }, signal: noSignal })
          expect(content.subarray(first, last + 1).equals(await bytesOf(reading!)), `${first}-${last}`).toBe(
            true,
          )
          expect(reading!.entry.size).toBe(size)
        }
      })

      test('a byte range beyond the end is an error, never fewer bytes', async () => {
        await put(storage, 'key', 'hello')
        for (const range of [
          { first: 3, last: 5 },
          { first: 5, last: 9 },
        ]) {
          const reading = storage.read(text('key'), { range, signal: noSignal })
          await failure(reading.then((r) => r && bytesOf(r)))
        }
      })

      test('what is not there is null, and nothing to delete', async () => {
        await put(storage, 'there/is', 'x')
        for (const key of ['not', 'there/isnt', 'not/there/either', 'there']) {
          expect(await storage.head(text(key), noSignal)).toBeNull()
          expect(await storage.read(text(key), { signal: noSignal })).toBeNull()
          expect(await storage.read(text(key), { signal: noSignal, token: 'x' })).toBeNull()
          expect(await storage.delete(text(key), { signal: noSignal })).toBe(false)
        }
      })

      test('a token of other content is refused as changed', async () => {
        const old = await put(storage, 'key', 'old')
        const now = await put(storage, 'key', 'newer')
        expect(now.token).not.toBe(old.token)
        const error = await failure(storage.read(text('key'), { token: old.token, signal: noSignal }))
        expect(error.code).toBe('changed')
        const reading = await storage.read(text('key'), { token: now.token, signal: noSignal })
        expect((await bytesOf(reading!)).toString()).toBe('newer')
      })

      test('ends as interrupted when its signal aborts, before and in the middle of the body', async () => {
        await put(storage, 'key', patterned(8 << 20))
        expect((await failure(storage.read(text('key'), { signal: AbortSignal.abort() }))).code).toBe(
          'interrupted',
        )
        expect((await failure(storage.head(text('key'), AbortSignal.abort()))).code).toBe('interrupted')
        const controller = new AbortController()
        const reading = await storage.read(text('key'), { signal: controller.signal })
        const consume = async () => {
          for await (const _ of reading!.body) controller.abort()
        }
        expect((await failure(consume())).code).toBe('interrupted')
      })

      test('an abort before anybody reads the body ends nothing but the body', async () => {
        await put(storage, 'key', patterned(8 << 20))
        const controller = new AbortController()
        const reading = await storage.read(text('key'), { signal: controller.signal })
        controller.abort()
        await turn()
        expect((await failure(bytesOf(reading!))).code).toBe('interrupted')
      })

      test('a body that is destroyed unread holds nothing up', async () => {
        await put(storage, 'key', patterned(4 << 20))
        for (let i = 0; i < 20; i++) {
          const reading = await storage.read(text('key'), { signal: noSignal })
          reading!.body.destroy()
        }
        expect(await get(storage, 'key')).toHaveLength(4 << 20)
      })
    })

    describe('writing', () => {
      test('says the token and the time that a listing then shows', async () => {
        const written = await put(storage, 'a/key', 'hello')
        const [entry] = await listAll(storage)
        expect(written.token).toBe(entry!.token)
        if (written.mtime !== null) expect(Math.abs(written.mtime - entry!.mtime)).toBeLessThan(2_000_000)
        if (storage.tokens === 'md5')
          expect(written.token).toBe(createHash('md5').update('hello').digest('hex'))
      })

      test('replaces what was there', async () => {
        await put(storage, 'key', 'a long old body')
        await put(storage, 'key', 'new')
        expect((await get(storage, 'key'))!.toString()).toBe('new')
        expect(await listAll(storage)).toHaveLength(1)
        await nothingLeftBehind()
      })

      test('that expects another object, or none, is refused as changed, and leaves what was there', async () => {
        const over = (content: string, expected: string | null) =>
          storage.write(text('key'), bodyOf(content), noMetadata, noSignal, expected)
        expect((await failure(over('first', 'f'.repeat(32)))).code).toBe('changed')
        expect(await storage.head(text('key'), noSignal)).toBeNull()
        const first = await over('first', null)
        expect((await failure(over('other', null))).code).toBe('changed')
        const second = await over('second', first.token)
        expect((await failure(over('third', first.token))).code).toBe('changed')
        expect((await get(storage, 'key'))?.toString()).toBe('second')
        await over('third', second.token)
        expect((await get(storage, 'key'))?.toString()).toBe('third')
      })

      test('a body that fails, is short or is long leaves what was there', async () => {
        await put(storage, 'key', 'old')
        const content = patterned(300_000)
        const broken = () => {
          async function* chunks() {
            yield content.subarray(0, 100_000)
            throw new DrayError('unreachable', 'read elsewhere', 'The connection broke.', { retry: 'now' })
          }
          return Readable.from(chunks(), { objectMode: false })
        }
        const bodies: Record<string, Body> = {
          'cannot be opened': {
            size: 3,
            open: () => Promise.reject(new DrayError('not-found', 'read', 'Gone.')),
          },
          breaks: { size: 300_000, open: async () => broken() },
          'is short': { ...bodyOf(content), size: 300_001 },
          'is long': { ...bodyOf(content), size: 299_999 },
          'is not empty': { ...bodyOf('x'), size: 0 },
          'is empty': { ...bodyOf(''), size: 1 },
          'has another digest': { ...bodyOf(content), contentMd5: '1B2M2Y8AsgTpgAmY7PhCfg==' },
        }
        for (const [what, body] of Object.entries(bodies)) {
          for (const key of ['key', 'new', 'a/new']) {
            const error = await failure(storage.write(text(key), body, noMetadata, noSignal))
            if (what === 'breaks') expect(error.code).toBe('unreachable')
            if (what === 'has another digest') expect(error.code).toBe('bad-digest')
            expect(
              (await listAll(storage)).map((e) => e.key),
              `a body that ${what}`,
            ).toEqual(['key'])
          }
        }
        expect((await get(storage, 'key'))!.toString()).toBe('old')
        await nothingLeftBehind()
      })

      test('takes a body with its MD5', async () => {
        const content = patterned(200_000)
        const contentMd5 = createHash('md5').update(content).digest('base64')
        await storage.write(text('key'), { ...bodyOf(content), contentMd5 }, noMetadata, noSignal)
        expect(content.equals((await get(storage, 'key'))!)).toBe(true)
      })

      test('ends as interrupted when its signal aborts, soon, and leaves what was there', async () => {
        await put(storage, 'key', 'old')
        const already = storage.write(text('key'), bodyOf('new'), noMetadata, AbortSignal.abort())
        expect((await failure(already)).code).toBe('interrupted')

        // Neither a body that never comes nor one that stalls after its first bytes may hold it up.
        for (const stalls of [false, true]) {
          const controller = new AbortController()
          const body = new Readable({ read() {} })
          body.push(patterned(70_000))
          const open = async (): Promise<Readable> => {
            setImmediate(() => controller.abort())
            return stalls ? body : await new Promise<never>(() => {})
          }
          const writing = storage.write(text('key'), { size: 100_000, open }, noMetadata, controller.signal)
          expect((await failure(writing)).code).toBe('interrupted')
          if (stalls) expect(body.destroyed).toBe(true)
        }
        expect((await get(storage, 'key'))!.toString()).toBe('old')
        await nothingLeftBehind()
      })

      test('a body is destroyed when the write ends early', async () => {
        const body = { ...bodyOf(patterned(5 << 20)), size: 100 }
        await failure(storage.write(text('key'), body, noMetadata, noSignal))
        await turn()
        expect(body.opened.every((stream) => stream.destroyed)).toBe(true)
      })

      test('many at once of one key end in one of them, whole', async () => {
        const contents = Array.from({ length: 12 }, (_, i) => patterned(20_000 + i * 30_000, i + 1))
        await Promise.all(contents.map((content) => put(storage, 'deep/in/key', content)))
        const found = (await get(storage, 'deep/in/key'))!
        expect(contents.some((content) => content.equals(found))).toBe(true)
        expect(await listAll(storage)).toHaveLength(1)
        await nothingLeftBehind()
      })

      test('keys that it supports round trip, and it refuses the others', async () => {
        const held = withoutClashes(nastyKeys, storage).filter(holds)
        await inParallel(held, 8, (key) => write(key, `body of ${key}`))
        expect((await listAll(storage)).map((e) => displayKey(e.key))).toEqual(
          [...held].sort().map(displayKey),
        )
        await inParallel(held, 8, async (key) => {
          const reading = await storage.read(key, { signal: noSignal })
          expect((await bytesOf(reading!)).toString('utf8'), displayKey(key)).toBe(`body of ${key}`)
        })
        for (const key of nastyKeys.filter((key) => storage.unsupported(key) !== null)) {
          expect((await failure(write(key, 'x'))).code, displayKey(key)).toBe('unsupported-key')
          expect(storage.unsupported(key), 'a sentence for people').toMatch(/^[A-Z].*\.$/)
        }
        await inParallel(held, 8, async (key) => {
          expect(await storage.delete(key, { signal: noSignal }), displayKey(key)).toBe(true)
        })
        expect(await listAll(storage)).toEqual([])
      })

      test('metadata comes back', async () => {
        if (storage.kind === 'file') {
          // A file keeps its time and nothing else.
          await put(storage, 'key.txt', 'x', { headers: {}, user: { mtime: '1234567890.123456' } })
          const head = await storage.head(text('key.txt'), noSignal)
          expect(head!.entry.mtime).toBe(1234567890123456)
          expect(head!.metadata.headers['content-type']).toBe('text/plain')
          return
        }
        const metadata: Metadata = {
          headers: {
            'content-type': 'text/x-dray; charset=utf-8',
            'cache-control': 'max-age=60',
            'content-disposition': 'attachment; filename="a b.txt"',
            'content-encoding': 'x-custom',
            'content-language': 'de',
          },
          user: { mtime: '1234567890.123456789', 'some-name': 'Some value, with = and "quotes"' },
        }
        await put(storage, 'key', 'x', metadata)
        expect((await storage.head(text('key'), noSignal))!.metadata).toEqual(metadata)
        const reading = await storage.read(text('key'), { signal: noSignal })
        reading!.body.destroy()
        expect(reading!.metadata).toEqual(metadata)
      })
    })

    describe('what an object is besides', () => {
      const tags = [
        { name: 'kind', value: 'photo' },
        { name: 'name of', value: 'Z\u00fcrich & +=?' },
      ]
      const found = async (key: string) => {
        const head = (await storage.head(text(key), noSignal))!
        const wanted = { tags: true, acl: false }
        const metadata = (await storage.describe?.(head, wanted, noSignal)) ?? head.metadata
        const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
        return [...(metadata.properties?.tags ?? [])].sort(byName)
      }

      test('an object with nothing besides has no properties at all', async () => {
        await put(storage, 'plain', 'x', { headers: {}, user: { a: 'b' } })
        expect((await storage.head(text('plain'), noSignal))!.metadata).not.toHaveProperty('properties')
      })

      test('tags come back, of an object and of an upload in parts', async ({ skip }) => {
        if (storage.kind === 'file') skip('a file has none')
        const metadata = { ...noMetadata, properties: { tags } }
        await put(storage, 'tagged', 'x', metadata)
        expect(await found('tagged')).toEqual(tags)
        await put(storage, 'tagged', 'x')
        expect(await found('tagged')).toEqual([])
        const multipart = storage.multipart ?? skip('this store has no parts')
        const upload = await multipart.create(text('parts'), metadata, noSignal)
        const part = await multipart.part(text('parts'), upload, 1, bodyOf('x'), noSignal)
        await multipart.complete(text('parts'), upload, [part], noSignal)
        // Ceph's gateway forgets what it was told when the upload began.
        await storage.amend?.(text('parts'), { tags }, noSignal)
        expect(await found('parts')).toEqual(tags)
      })
    })

    describe('deleting', () => {
      test('is true once, and false after that', async () => {
        await put(storage, 'a/key', 'x')
        await put(storage, 'a/other', 'x')
        expect(await storage.delete(text('a/key'), { signal: noSignal })).toBe(true)
        expect(await storage.delete(text('a/key'), { signal: noSignal })).toBe(false)
        expect((await listAll(storage)).map((e) => e.key)).toEqual(['a/other'])
      })

      test('with a token of other content is refused as changed, and deletes nothing', async () => {
        const old = await put(storage, 'key', 'old')
        const now = await put(storage, 'key', 'newer')
        const error = await failure(storage.delete(text('key'), { token: old.token, signal: noSignal }))
        expect(error.code).toBe('changed')
        expect(await storage.delete(text('key'), { token: now.token, signal: noSignal })).toBe(true)
      })

      test('ends as interrupted where its signal has aborted', async () => {
        await put(storage, 'key', 'x')
        const aborted = storage.delete(text('key'), { signal: AbortSignal.abort() })
        expect((await failure(aborted)).code).toBe('interrupted')
        expect(await get(storage, 'key')).toHaveLength(1)
      })
    })

    describe('copies by the store', () => {
      const metadata = { headers: { 'content-type': 'text/plain' }, user: { name: 'na\xc3\xafve' } }
      const from = text('from/ö %41+?&')
      const to = text('to/key')
      const origin = (token: string) => ({ place: storage.place!, key: from, token })

      test('have the content of what was named, and the metadata that they are given', async ({ skip }) => {
        const copyFrom = storage.copyFrom ?? skip('this store makes none')
        const { token } = await storage.write(from, bodyOf('content'), noMetadata, noSignal)
        const written = await copyFrom.whole(origin(token), to, metadata, noSignal, null)
        expect(written.token).toBe(token)
        expect((await get(storage, 'to/key'))?.toString()).toBe('content')
        expect((await storage.head(to, noSignal))?.metadata).toEqual(metadata)
        // Onto itself, as metadata are changed.
        const other = { headers: { 'content-type': 'text/html' }, user: {} }
        const again = await copyFrom.whole(origin(token), from, other, noSignal, token)
        expect(again.token).toBe(token)
        expect((await storage.head(from, noSignal))?.metadata).toEqual(other)
        const empty = await storage.write(from, bodyOf(''), noMetadata, noSignal)
        await copyFrom.whole(origin(empty.token), to, metadata, noSignal)
        expect((await storage.head(to, noSignal))?.entry.size).toBe(0)
      })

      test('of another object, or of none, are refused', async ({ skip }) => {
        const copyFrom = storage.copyFrom ?? skip('this store makes none')
        const { token } = await storage.write(from, bodyOf('content'), noMetadata, noSignal)
        const whole = (of: string) => failure(copyFrom.whole(origin(of), to, metadata, noSignal))
        if (opened.minds !== 'few conditions') expect((await whole('f'.repeat(32))).code).toBe('changed')
        await storage.delete(from, { signal: noSignal })
        expect((await whole(token)).code).toBe('not-found')
        expect(await storage.head(to, noSignal)).toBeNull()
      })

      test('of parts make the object that was uploaded in them', async ({ skip }) => {
        const copyFrom = storage.copyFrom ?? skip('this store makes none')
        const multipart = storage.multipart ?? skip('this store has no uploads')
        const { minPart } = multipart.limits
        const body = patterned(minPart + 7)
        const plain = text('from/ö +?&')
        const { token } = await storage.write(plain, bodyOf(body), noMetadata, noSignal)
        const upload = await multipart.create(to, metadata, noSignal)
        const part = (number: number, first: number, last: number, of = token) =>
          copyFrom.part({ ...origin(of), key: plain }, { first, last }, to, upload, number, noSignal)
        if (storage.place!.prefix.includes('%')) {
          expect((await failure(part(1, 0, minPart - 1))).code).toBe('invalid-request')
          return multipart.abort(to, upload, noSignal)
        }
        if (opened.minds !== 'few conditions')
          expect((await failure(part(1, 0, minPart - 1, 'f'.repeat(32)))).code).toBe('changed')
        const parts = [await part(1, 0, minPart - 1), await part(2, minPart, minPart + 6)]
        expect(parts.map(({ size }) => size)).toEqual([minPart, 7])
        await multipart.complete(to, upload, parts, noSignal)
        expect((await get(storage, 'to/key'))?.equals(body)).toBe(true)
        expect((await storage.head(to, noSignal))?.metadata).toEqual(metadata)
      })
    })

    describe('multipart uploads', () => {
      const key = text('large/object')
      const metadata = { headers: { 'content-type': 'text/plain' }, user: { name: 'value' } }

      test('become one object, whole, when they are completed and not before', async ({ skip }) => {
        const multipart = storage.multipart ?? skip('this store has none')
        const { minPart } = multipart.limits
        const bodies = [patterned(minPart, 1), patterned(minPart, 2), patterned(1234, 3)]
        const upload = await multipart.create(key, metadata, noSignal)
        // Out of order and one of them twice, as retries make it.
        const parts = await Promise.all(
          [2, 0, 1].map((i) => multipart.part(key, upload, i + 1, bodyOf(bodies[i]!), noSignal)),
        )
        parts[0] = await multipart.part(key, upload, 3, bodyOf(bodies[2]!), noSignal)
        parts.sort((a, b) => a.number - b.number)
        expect(await listAll(storage)).toEqual([])
        const listed = []
        for await (const page of multipart.list(key, upload, noSignal)) listed.push(...page)
        expect(listed).toEqual(parts)
        const written = await multipart.complete(key, upload, parts, noSignal)
        const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()
        if (storage.tokens === 'md5') {
          expect(written.token).toBe(`${md5(Buffer.concat(bodies.map(md5))).toString('hex')}-3`)
        }
        const [entry] = await listAll(storage)
        expect(entry).toMatchObject({ key, token: written.token, size: 2 * minPart + 1234 })
        const reading = await storage.read(key, { token: written.token, signal: noSignal })
        expect(reading!.metadata).toMatchObject(metadata)
        expect(Buffer.concat(bodies).equals(await bytesOf(reading!))).toBe(true)
        await nothingLeftBehind()
      })

      test('are told while they are open, and their parts from any number on', async ({ skip }) => {
        const multipart = storage.multipart ?? skip('this store has none')
        const others = [text('large/object-2'), text('small'), text('large/öbject %41+')]
        const uploads = await Promise.all(
          [key, ...others].map(async (each) => ({
            key: each,
            upload: await multipart.create(each, noMetadata, noSignal),
          })),
        )
        const open = async (prefix: Key) => {
          const found = []
          for await (const page of multipart.uploads(prefix, noSignal)) found.push(...page)
          return found.sort((a, b) => (a.key < b.key ? -1 : 1))
        }
        const inOrder = uploads.toSorted((a, b) => (a.key < b.key ? -1 : 1))
        const all = await open(text(''))
        expect(all).toMatchObject(inOrder)
        for (const { begun } of all) expect(Math.abs(begun - Date.now())).toBeLessThan(60_000)
        expect(await open(text('large/'))).toMatchObject(inOrder.filter((each) => each.key !== 'small'))

        const { upload } = uploads[0]!
        for (const number of [1, 2, 3]) await multipart.part(key, upload, number, bodyOf('x'), noSignal)
        const listed = []
        for await (const page of multipart.list(key, upload, noSignal, 1)) listed.push(...page)
        expect(listed.map(({ number }) => number)).toEqual([2, 3])

        for (const each of uploads) await multipart.abort(each.key, each.upload, noSignal)
        expect(await open(text(''))).toEqual([])
      })

      test('leave the sizes of their parts to be asked for, or nothing that could be taken for them', async ({
        skip,
      }) => {
        const multipart = storage.multipart ?? skip('this store has none')
        const { minPart } = multipart.limits
        const bodies = [patterned(minPart, 1), patterned(minPart + 7, 2), patterned(99, 3)]
        const upload = await multipart.create(key, metadata, noSignal)
        const parts = []
        for (const [i, body] of bodies.entries()) {
          parts.push(await multipart.part(key, upload, i + 1, bodyOf(body), noSignal))
        }
        await multipart.complete(key, upload, parts, noSignal)
        const [entry] = await listAll(storage)
        for (const [i, body] of bodies.entries()) {
          const told = await storage.headPart!(entry!, i + 1, noSignal)
          const size = 2 * minPart + 106
          expect(told).toMatchObject({ head: { entry: { token: entry!.token, size }, metadata } })
          if (told!.parts !== null) expect(told).toMatchObject({ parts: 3, bytes: body.length })
        }
        const other = { ...entry!, token: '0'.repeat(32) }
        expect((await failure(storage.headPart!(other, 1, noSignal))).code).toBe('changed')
        await put(storage, 'whole', 'x')
        const [, whole] = await listAll(storage)
        expect(await storage.headPart!(whole!, 1, noSignal)).toMatchObject({ parts: null, bytes: 1 })
        await storage.delete(key, { signal: noSignal })
        expect(await storage.headPart!(entry!, 1, noSignal)).toBeNull()
      })

      test('that expect another object are refused as changed', async ({ skip }) => {
        const multipart = storage.multipart ?? skip('this store has none')
        if (opened.minds === 'few conditions') skip('this store minds no conditions there')
        const complete = async (expected: string | null) => {
          const upload = await multipart.create(key, noMetadata, noSignal)
          const part = await multipart.part(key, upload, 1, bodyOf('a part'), noSignal)
          return multipart.complete(key, upload, [part], noSignal, expected)
        }
        const first = await complete(null)
        expect((await failure(complete(null))).code).toBe('changed')
        await complete(first.token)
      })

      test('leave nothing when they are aborted, and take no parts after that', async ({ skip }) => {
        const multipart = storage.multipart ?? skip('this store has none')
        const upload = await multipart.create(key, metadata, noSignal)
        const part = await multipart.part(key, upload, 1, bodyOf('x'), noSignal)
        await multipart.abort(key, upload, noSignal)
        await failure(multipart.part(key, upload, 2, bodyOf('x'), noSignal))
        await failure(multipart.complete(key, upload, [part], noSignal))
        expect(await listAll(storage)).toEqual([])
        await nothingLeftBehind()
      })

      test('of a part that is short, long or has another digest take none of it', async ({ skip }) => {
        const multipart = storage.multipart ?? skip('this store has none')
        const upload = await multipart.create(key, metadata, noSignal)
        const content = patterned(100_000)
        for (const body of [
          { ...bodyOf(content), size: 100_001 },
          { ...bodyOf(content), size: 99_999 },
          { ...bodyOf(content), contentMd5: '1B2M2Y8AsgTpgAmY7PhCfg==' },
        ]) {
          await failure(multipart.part(key, upload, 1, body, noSignal))
        }
        const listed = []
        for await (const page of multipart.list(key, upload, noSignal)) listed.push(...page)
        expect(listed).toEqual([])
        await multipart.abort(key, upload, noSignal)
      })
    })
  })
}
