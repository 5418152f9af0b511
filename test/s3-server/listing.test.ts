import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { take, walk } from '../../agent/s3-server/listing.ts'
import { SortedMap } from '../../agent/s3-server/sorted-map.ts'
import type { Key } from '../../shared/key.ts'
import { testS3 } from '../support/s3-server.ts'

fc.configureGlobal({ seed: 1 })

const key = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '\x00', '\xc3', '\xf4'),
  minLength: 1,
  maxLength: 6,
})

describe('the sorted map', () => {
  it('holds what a plain map holds, in byte order, after any inserts and deletes', () => {
    const operation = fc.tuple(fc.boolean(), fc.nat(3000))
    fc.assert(
      fc.property(fc.array(operation, { minLength: 2000, maxLength: 4000 }), (operations) => {
        const sorted = new SortedMap<number>()
        const plain = new Map<Key, number>()
        for (const [i, [insert, n]] of operations.entries()) {
          const name = `k${n}` as Key
          if (insert || i < 1500) {
            sorted.set(name, i)
            plain.set(name, i)
          } else expect(sorted.delete(name)).toBe(plain.delete(name))
        }
        expect([...sorted.from('' as Key)]).toEqual([...plain].sort(([a], [b]) => (a < b ? -1 : 1)))
        expect(sorted.size).toBe(plain.size)
        for (const [name, value] of plain) expect(sorted.get(name)).toBe(value)
        expect(sorted.get('absent' as Key)).toBeUndefined()
      }),
      { numRuns: 10 },
    )
  })

  it('begins anywhere', () => {
    const map = new SortedMap<number>()
    for (let i = 0; i < 5000; i++) map.set(String(i * 2).padStart(5, '0') as Key, i)
    for (const start of [0, 1, 2, 1023, 1024, 5001, 9998, 9999]) {
      const first = map.from(String(start).padStart(5, '0') as Key).next().value
      expect(first?.[0]).toBe(start > 9998 ? undefined : String(start + (start % 2)).padStart(5, '0'))
    }
  })
})

describe('the walk', () => {
  /** What a listing is by definition: every key rolled up, then sorted, then cut. */
  const naive = (keys: string[], prefix: string, delimiter: string, after: string | null) => {
    const results = keys
      .filter((each) => each.startsWith(prefix) && (after === null || each > after))
      .map((each) => {
        const at = delimiter === '' ? -1 : each.indexOf(delimiter, prefix.length)
        return at < 0 ? each : `${each.slice(0, at + delimiter.length)}*`
      })
    return [...new Set(results)]
      .filter((each) => !each.endsWith('*') || after === null || each.slice(0, -1) > after)
      .sort()
  }

  it('gives the same as rolling up every key, page by page', () => {
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 60 }),
        fc.oneof(fc.constant(''), key),
        fc.constantFrom('', '/', 'a/'),
        fc.option(key),
        fc.integer({ min: 1, max: 7 }),
        (keys, prefix, delimiter, start, max) => {
          const map = new SortedMap<number>()
          for (const each of keys) map.set(each as Key, 0)
          const found: string[] = []
          for (let after = start; ; ) {
            const { taken, more } = take(
              walk(map, { prefix, delimiter, after }, () => true),
              max,
            )
            for (const step of taken) found.push('key' in step ? step.key : `${step.commonPrefix}*`)
            if (!more) break
            const last = taken.at(-1)!
            after = 'key' in last ? last.key : last.commonPrefix
          }
          expect(found).toEqual(naive([...new Set(keys)], prefix, delimiter, start))
        },
      ),
    )
  })

  it('passes a common prefix without stepping through it', () => {
    const map = new SortedMap<number>()
    for (let i = 0; i < 10_000; i++) map.set(`a/${String(i).padStart(5, '0')}` as Key, i)
    map.set('b' as Key, 0)
    let looked = 0
    const shown = () => {
      looked++
      return true
    }
    expect([...walk(map, { prefix: '', delimiter: '/', after: null }, shown)].length).toBe(2)
    expect(looked).toBe(2)
  })
})

describe('listings over the wire', async () => {
  const { server, call } = await testS3()
  const texts = (xml: string, name: string) =>
    [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((found) => found[1]!)

  it('pages through 100,000 keys completely and in order, in 100 requests', async () => {
    server.fill('large', { count: 100_000, key: (i) => `dir-${i % 7}/${i}`, size: 10 })
    server.requests.reset()
    const keys: string[] = []
    for (let token: string | undefined, more = true; more; ) {
      const query = `${token ? `continuation-token=${encodeURIComponent(token)}&` : ''}list-type=2`
      const { text } = await call('GET', '/large', { query })
      for (const each of texts(text, 'Key')) keys.push(each)
      token = texts(text, 'NextContinuationToken')[0]
      more = texts(text, 'IsTruncated')[0] === 'true'
    }
    const expected = Array.from({ length: 100_000 }, (_, i) => `dir-${i % 7}/${i}`).sort()
    expect(keys.length).toBe(100_000)
    expect(keys.every((each, i) => each === expected[i])).toBe(true)
    expect(server.requests.byOperation()).toEqual({ ListObjectsV2: 100 })
  })

  it('goes on after a marker that is a common prefix, in version 1', async () => {
    for (const each of ['a/1', 'a/2', 'b', 'c/1', 'd']) await server.put('v1', each, '')
    const seen: string[] = []
    for (let marker: string | undefined = '', pages = 0; marker !== undefined && pages < 9; pages++) {
      const { text } = await call('GET', '/v1', {
        query: `delimiter=%2F&marker=${encodeURIComponent(marker)}&max-keys=1`,
      })
      seen.push(
        ...texts(text, 'Key'),
        ...texts(/<CommonPrefixes>.*<\/CommonPrefixes>/s.exec(text)?.[0] ?? '', 'Prefix'),
      )
      marker = texts(text, 'NextMarker')[0]
    }
    expect(seen).toEqual(['a/', 'b', 'c/', 'd'])
  })

  it('names no next marker without a delimiter, in version 1', async () => {
    const { text } = await call('GET', '/v1', { query: 'max-keys=2' })
    expect(texts(text, 'Key')).toEqual(['a/1', 'a/2'])
    expect([texts(text, 'IsTruncated'), texts(text, 'NextMarker')]).toEqual([['true'], []])
  })

  it('writes control characters as references, or percent-escaped on request', async () => {
    await server.put('odd', 'a\x01\r\n b+c&é', '')
    expect((await call('GET', '/odd')).text).toContain('<Key>a&#x1;&#xd;&#xa; b+c&amp;é</Key>')
    const escaped = await call('GET', '/odd', { query: 'encoding-type=url&list-type=2' })
    expect(escaped.text).toContain('<Key>a%01%0D%0A+b%2Bc%26%C3%A9</Key>')
  })

  it('shows nothing for a page of no keys, and says that this is all', async () => {
    const { text } = await call('GET', '/v1', { query: 'list-type=2&max-keys=0' })
    expect([texts(text, 'IsTruncated'), texts(text, 'KeyCount')]).toEqual([['false'], ['0']])
  })

  it('refuses what is no number, no encoding and no token', async () => {
    for (const query of [
      'list-type=2&max-keys=x',
      'encoding-type=x&list-type=2',
      'continuation-token=x&list-type=2',
    ])
      expect(await call('GET', '/v1', { query })).toMatchObject({ status: 400, code: 'InvalidArgument' })
  })

  it('says that a bucket is missing, not that it is empty', async () => {
    expect(await call('GET', '/nothing', { query: 'list-type=2' })).toMatchObject({
      status: 404,
      code: 'NoSuchBucket',
    })
  })
})
