/** The lines, texts and sums that a certificate is made of. What is golden here may never change: certificates are kept for years. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ListingDigest } from '../../agent/listing-digest.ts'
import { zeroCounts } from '../../shared/counts.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import {
  addSums,
  canonicalJson,
  type Listed,
  listingLine,
  noSums,
  sampleBound,
  sealText,
} from '../../shared/ledger.ts'
import { Merkle } from '../../shared/merkle.ts'

const etag = '9e107d9d372bb6826bd81d3542a419d6'

describe('a listing line', () => {
  it('is golden', () => {
    expect(listingLine({ key: 'a.jpg' as Key, size: 1024, content: etag })).toBe(
      `5:a.jpg,1024,32:9e107d9d372bb6826bd81d3542a419d6\n`,
    )
    expect(listingLine({ key: keyFromText('é'), size: 0, content: '' })).toBe('2:\xc3\xa9,0,0:\n')
    const version = { key: 'a' as Key, size: 1, content: 't', version: 'v-1' }
    expect(listingLine(version)).toBe('1:a,1,1:t,3:v-1\n')
    expect(listingLine({ ...version, size: 0, content: '', isMarker: true })).toBe('1:a,0,0:,3:v-1,x\n')
  })

  it('no two lists of objects have the same lines, whatever their names are', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', ':', '\n', '1', 'é') })
    const listed = fc.record({
      key: text.map(keyFromText),
      size: fc.nat(20),
      content: text,
      version: fc.option(text, { nil: undefined }),
    })
    const all = fc.array(listed, { maxLength: 4 })
    const lines = (some: readonly object[]) => some.map((each) => listingLine(each as Listed)).join('')
    fc.assert(
      fc.property(all, all, (a, b) => {
        expect(lines(a) === lines(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
    )
  })
})

describe('sums', () => {
  const listed = fc.record({
    key: fc.uint8Array({ minLength: 1, maxLength: 8 }).map((b) => String.fromCharCode(...b) as Key),
    size: fc.nat(),
    content: fc.string(),
  })
  const digest = (some: readonly Listed[]) => {
    const all = new ListingDigest()
    for (const each of some) all.add(each)
    return all.end()
  }

  it('are the same however the listing is cut, and another of any other listing', () => {
    fc.assert(
      fc.property(fc.array(listed, { maxLength: 30 }), fc.array(fc.nat(30)), (all, cuts) => {
        const places = [0, ...cuts.map((at) => at % (all.length + 1)).sort((a, b) => a - b), all.length]
        const pieces = places.slice(1).map((end, i) => digest(all.slice(places[i], end)).sum)
        const sums = pieces.reduce((sum, source) => addSums(sum, { ...noSums, source }), noSums)
        expect(sums.source).toBe(digest(all).sum)
        if (all.length > 0) expect(digest(all.slice(1)).sum).not.toBe(sums.source)
      }),
    )
  })

  it('are those of SHA-256, line by line, and the digest is that of all lines', () => {
    const some = Array.from({ length: 3_000 }, (_, i) => ({
      ...{ key: keyFromText(`pictures/${i}-é.jpg`), size: i, content: etag },
    }))
    const lines = some.map((each) => Buffer.from(listingLine(each), 'latin1'))
    const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    const sum = lines.reduce((all, line) => (all + BigInt(`0x${sha(line)}`)) % (1n << 256n), 0n)
    expect(digest(some)).toEqual({
      digest: sha(Buffer.concat(lines)),
      sum: sum.toString(16).padStart(64, '0'),
    })
  })
})

it('what an agent signs is golden', () => {
  const found = {
    ...{ source: 'a'.repeat(64), destination: 'b'.repeat(64) },
    sums: { source: 'c'.repeat(64), destination: 'd'.repeat(64) },
  }
  const of = {
    ...{ workspace: 'w', migration: 'm', pass: 3, startedAt: 1_800_000_000_000 },
    ...{ after: null, through: '\xff"' as Key, counts: zeroCounts() },
  }
  const counts =
    '{"bytes":{"copied":0,"listed":0},"dropped":{},"evidence":{},"objects":' +
    '{"copied":0,"deleted":0,"extra":0,"failed":0,"listed":0,"same":0,"skipped":0,"vanished":0}}'
  expect(sealText(found, of)).toBe(
    `dray-seal-1\n{"after":null,"counts":${counts},"destination":"${'b'.repeat(64)}","migration":"m","pass":3,` +
      `"source":"${'a'.repeat(64)}","startedAt":1800000000000,` +
      `"sums":{"destination":"${'d'.repeat(64)}","source":"${'c'.repeat(64)}"},"through":"\xff\\"","workspace":"w"}`,
  )
})

it('canonical JSON has one form, whatever the order of members was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const back = JSON.parse(canonicalJson(value))
      expect(back).toEqual(JSON.parse(JSON.stringify(value)))
      const turned = (v: unknown): unknown =>
        Array.isArray(v)
          ? v.map(turned)
          : v && typeof v === 'object'
            ? Object.fromEntries(
                Object.entries(v)
                  .reverse()
                  .map(([k, each]) => [k, turned(each)]),
              )
            : v
      expect(canonicalJson(turned(back))).toBe(canonicalJson(value))
    }),
  )
})

describe('the root', () => {
  const rootOf = async (leaves: readonly string[]) => {
    const tree = new Merkle()
    for (const leaf of leaves) await tree.add(leaf)
    return tree.root()
  }

  it('is RFC 6962’s: of nothing, of one empty leaf, and of any number as its definition has it', async () => {
    expect(await rootOf([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(await rootOf([''])).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
    const sha = (...parts: readonly (Buffer | string)[]) =>
      createHash('sha256')
        .update(Buffer.concat(parts.map((p) => Buffer.from(p as string))))
        .digest()
    const defined = (leaves: readonly string[]): Buffer => {
      if (leaves.length === 1) return sha('\x00', leaves[0]!)
      const k = 2 ** Math.floor(Math.log2(leaves.length - 1))
      return sha('\x01', defined(leaves.slice(0, k)), defined(leaves.slice(k)))
    }
    for (let n = 1; n <= 40; n++) {
      const leaves = Array.from({ length: n }, (_, i) => `leaf ${i}`)
      expect(await rootOf(leaves)).toBe(defined(leaves).toString('hex'))
    }
  })

  it('is another where two leaves change places, or one goes', async () => {
    const root = await rootOf(['a', 'b', 'c'])
    for (const other of [
      ['b', 'a', 'c'],
      ['a', 'b'],
      ['a', 'b', 'c', 'c'],
      ['ab', 'c'],
    ]) {
      expect(await rootOf(other)).not.toBe(root)
    }
  })
})

it('a sample of 299 without a difference leaves less than 1 % to differ, at 95 %; of everything, nothing', () => {
  expect(sampleBound(298, 1e6)).toBeGreaterThan(0.01)
  expect(sampleBound(299, 1e6)).toBeLessThan(0.01)
  expect(sampleBound(0, 10)).toBe(1)
  expect(sampleBound(10, 10)).toBe(0)
})
