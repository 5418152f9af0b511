import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { arrange } from '../../agent/mapping/arrange.ts'
import { manifestBytes } from '../../agent/mapping/manifest-bytes.ts'
import { manifestRows } from '../../agent/mapping/manifest-rows.ts'
import { memoryStorage, readBreaksAfter } from '../../agent/storage/memory.ts'
import type { Entry, Storage } from '../../agent/storage/storage.ts'
import { DrayError } from '../../shared/error.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import type { Manifest, Mapping } from '../../shared/mapping.ts'
import { noFilter } from '../../shared/policy.ts'
import { everything } from '../../shared/range.ts'
import { bucket } from './world.ts'

const spillDir = mkdtempSync(join(tmpdir(), 'dray-manifest-'))
afterAll(() => rmSync(spillDir, { recursive: true }))
const { signal } = new AbortController()

const manifest = (more: Partial<Manifest> = {}): Manifest => ({
  place: { kind: 's3', bucket: 'lists', key: 'list' },
  columns: null,
  keys: null,
  ...more,
})

async function rows(
  text: string | Uint8Array,
  more: Partial<Manifest> = {},
  prefix = '',
  chunk = 7,
): Promise<unknown[]> {
  const bytes = Buffer.from(text as string)
  async function* chunks() {
    for (let i = 0; i < bytes.length; i += chunk) yield bytes.subarray(i, i + chunk)
  }
  const all: unknown[] = []
  for await (const batch of manifestRows(chunks(), manifest(more), { bucket: 'source', prefix })) {
    for (const { key, version, newKey } of batch) {
      const named = newKey === undefined ? '' : ` → ${displayKey(newKey)}`
      all.push(`${displayKey(key)}${version === undefined ? '' : ` at ${version}`}${named}`)
    }
  }
  return all
}

describe('a manifest', () => {
  it.each([
    ['a list of keys', 'a\r\nb c\r\n\r\né', null, ['a', 'b c', 'é']],
    ['a header', 'Version_ID,x,KEY,newKey\n1,2,a+%20,n\n,,b,\n', null, ['a+%20 at 1 → n', 'b']],
    ['quotes', 'key,newKey\n"a,""b""\n2",x\n"c",\n', null, ['a,"b"\\u{a}2 → x', 'c']],
    ['a mark', '\xef\xbb\xbfkey\na', null, ['a']],
    ['named columns', 'x,a,b\n', ['-', 'newKey', 'key'], ['b → a']],
    ['S3 Batch', 'source,a%20b,v1\nsource,c+d%2B,\n', null, ['a b at v1', 'c d+']],
    ['S3 Inventory', '"source","a","1","2026","x"\n', ['bucket', 'key', '-', '-', '-'], ['a']],
    ['JSON', '{"key":"a\\nb"}\n{"key":"c","version":"1","newKey":"é"}\n', null, ['a\\u{a}b', 'c at 1 → é']],
    [
      'a report',
      '{"key":"?","keyEscaped":"%FF"}\n{"key":"a","from":"b","outcome":"failed"}',
      null,
      ['\\xff', 'b'],
    ],
    ['nothing', '', null, []],
  ] as [string, string, Manifest['columns'], string[]][])(
    'of %s (%j)',
    async (name, text, columns, expected) => {
      const bytes = Buffer.from(text, name === 'a mark' ? 'latin1' : 'utf8')
      for (const chunk of [1, 5, 4096]) {
        expect(await rows(bytes, { columns }, '', chunk)).toEqual(expected)
        expect(await rows(gzipSync(bytes), { columns }, '', chunk)).toEqual(expected)
      }
    },
  )

  it('has whole keys where it names buckets, and those of the location only', async () => {
    expect(await rows('source,in/a\nsource,out/b\nsource,in/c', {}, 'in/')).toEqual(['a', 'c'])
  })

  it('can say that its keys are as they are, or not', async () => {
    expect(await rows('source,a%20b\n', { keys: 'plain' })).toEqual(['a%20b'])
    expect(await rows('a%20b\n', { keys: 'url' })).toEqual(['a b'])
  })

  it.each([
    ['a,b\n', 'Line 1 of the manifest cannot be used: nothing says what its 2 columns are'],
    ['source,a,1,2026\n', 'what its 4 columns are'],
    ['source,a\nother,b\n', 'Line 2 of the manifest cannot be used: it is about another bucket, other'],
    ['key,x\na,1\n,2\n', 'Line 3 of the manifest cannot be used: it has no key'],
    ['key\na"b\nc\n', 'a quote is not closed'],
    ['key\na"b"\n', 'a quote stands in the middle'],
    [`key\n"${'x'.repeat(140_000)}`, 'does not end'],
    [`key\n${'x'.repeat(70_000)}\n`, 'more than 65536 bytes'],
    ['{"key":"a"}\n{"kez":"b"}\n', 'Line 2 of the manifest cannot be used: it is no object with a "key"'],
    ['{"key":"a"\n', 'it is no JSON'],
  ])('that is wrong (%j) is refused by its line', async (text, why) => {
    await expect(rows(text)).rejects.toThrow(why)
  })

  it('that is half a gzip file is refused', async () => {
    const half = gzipSync(Buffer.from('a\n'.repeat(10_000))).subarray(0, 30)
    await expect(rows(half)).rejects.toThrow('no whole gzip file')
  })

  it('of any keys in CSV is read as it was written', async () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', '\xff', 'b'),
      minLength: 1,
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(cell), fc.integer({ min: 1, max: 20 }), async (keys, chunk) => {
        const text = `key,x\n${keys.map((key) => `"${key.replaceAll('"', '""')}",1\n`).join('')}`
        const got = await rows(Buffer.from(text, 'latin1'), {}, '', chunk)
        expect(got).toEqual(keys.map((key) => displayKey(key as Key)))
      }),
    )
  })

  it('goes on where its connection broke', async () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `key ${i}\n`).join('')
    const storage = memoryStorage([['list', text]])
    storage.faults = readBreaksAfter(100_000)
    const chunks: Uint8Array[] = []
    for await (const chunk of manifestBytes(storage, 'list' as Key, signal)) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe(text)
    expect(storage.requests.read).toBe(2)
  })
})

describe('a source of which a manifest tells', () => {
  async function listed(source: Storage, text: string, mapping?: Mapping): Promise<[Storage, Entry[]]> {
    const lists = memoryStorage([['list', text]])
    const definition = {
      source: bucket('source'),
      filter: { ...noFilter, exclude: ['*.tmp'] },
      manifest: manifest(),
      ...(mapping && { mapping }),
    }
    const { source: arranged } = arrange(source, definition, { spillDir, open: async () => lists })
    const entries: Entry[] = []
    for await (const page of arranged.list(everything, { signal })) entries.push(...page)
    return [arranged, entries]
  }

  it('has what is named, under its new name, with what the source says of it', async () => {
    const source = memoryStorage([
      ['a', '1'],
      ['b', '22'],
      ['c', '333'],
      ['d.tmp', ''],
    ])
    const [storage, entries] = await listed(source, 'key,newKey\nc,x\na,\na,\nd.tmp,\n')
    expect(entries.map(({ key, size, origin }) => [key, size, origin])).toEqual([
      ['a', 1, undefined],
      ['x', 3, 'c'],
    ])
    expect((await storage.read('x' as Key, { signal }))?.entry.size).toBe(3)
    expect(await storage.head('b' as Key, signal)).toBeNull()
    const heads = source.requests.head
    for await (const _ of storage.list(everything, { signal }));
    expect(source.requests.head).toBe(heads)
    await storage.close()
  })

  it('names what the source does not have, and what two rows make one of', async () => {
    const source = memoryStorage([
      ['a', '1'],
      ['b', '22'],
    ])
    const [, entries] = await listed(source, 'key,newKey\na,x\nb,x\nlost,y\n')
    expect(
      entries.map(({ key, refused }) => [
        key,
        refused?.map(({ key, size, code }) => `${key} ${size} ${code}`),
      ]),
    ).toEqual([
      ['x', ['a 1 key-clash', 'b 2 key-clash']],
      ['y', ['lost 0 not-found']],
    ])
  })

  it('maps those keys for which it has no new name', async () => {
    const source = memoryStorage([
      ['a', '1'],
      ['b', '22'],
    ])
    const mapping = { kind: 'template', pattern: null, to: 'new/{key}', unmatched: 'fail' } as const
    const [, entries] = await listed(source, 'key,newKey\na,x\nb,\n', mapping)
    expect(entries.map(({ key }) => key)).toEqual(['new/b', 'x'])
  })

  it('is not empty because its store does not answer', async () => {
    const source = memoryStorage()
    source.faults = {
      before: (op) => {
        if (op === 'list') throw new DrayError('no-such-bucket', 'list', 'There is no such bucket.')
      },
    }
    await expect(listed(source, 'a\n')).rejects.toThrow('no such bucket')
  })
})
