/** The listing scanner: what it takes, what it leaves to the real parser, and that the two are of one mind. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseListing, readListing } from '../../agent/storage/s3/listing-page.ts'
import { type ListingPage, scanListing } from '../../agent/storage/s3/listing-scan.ts'
import { parseXml } from '../../agent/storage/s3/xml.ts'
import { escapeKey, type Key, keyFromText } from '../../shared/key.ts'

fc.configureGlobal({ seed: 1 })

const parsed = (bytes: Buffer): ListingPage | null => {
  const root = parseXml(bytes)
  return root && parseListing(root)
}

const page = (contents: string, rest = '<IsTruncated>false</IsTruncated>') =>
  Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix/>${rest}${contents}</ListBucketResult>`,
  )
const url = '<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>'
const contents = (key: string, more = '') =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-20T18:48:41.124Z</LastModified><ETag>&quot;49f68a5c8493ec2c0bf489821c21fc3b&quot;</ETag><Size>2</Size><StorageClass>STANDARD</StorageClass>${more}</Contents>`

const scannedKeys = (bytes: Buffer) => scanListing(bytes)?.entries.map((entry) => entry.key)

/** Entities as servers write them, each in the ways that XML has for it. */
const inXml = (text: string, way: number) =>
  text.replace(/[&<>"'\x00-\x1f\x7f]/gu, (c) => {
    const named: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }
    const point = c.codePointAt(0)!
    if (way === 0 && named[c]) return `&${named[c]};`
    return way === 1 ? `&#${point};` : `&#x${point.toString(16)};`
  })

/** The ways in which S3 servers escape keys: `+` or `%20` for a space, `/` kept or not, digits in either case. */
const inUrl = (text: string, way: number) => {
  const escaped = escapeKey(keyFromText(text))
  if (way === 0) return escaped.replaceAll('%20', '+')
  return way === 1 ? escaped.replaceAll('/', '%2F') : escaped.replace(/%../g, (hex) => hex.toLowerCase())
}

describe('a listing page', () => {
  test('as AWS and as radosgw write it is scanned', () => {
    const aws = page(
      `<Contents><Key>a%2Bb+c/d</Key><LastModified>2024-02-29T23:59:59.000Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef-12&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>5368709120000</Size><Owner><ID>x</ID><DisplayName/></Owner><StorageClass>DEEP_ARCHIVE</StorageClass></Contents>`,
      '<NextContinuationToken>1a+b/c==&amp;</NextContinuationToken><KeyCount>1</KeyCount><MaxKeys>1</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>',
    )
    expect(scanListing(aws)).toEqual({
      entries: [
        {
          key: 'a+b c/d',
          kind: 'object',
          size: 5368709120000,
          mtime: Date.UTC(2024, 1, 29, 23, 59, 59) * 1000,
          token: '0123456789abcdef0123456789abcdef-12',
          storageClass: 'DEEP_ARCHIVE',
        },
      ],
      next: '1a+b/c==&',
    })
    const radosgw = Buffer.from(
      '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><Name>bucket1</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>.%2F..%2Fx%20y</Key><LastModified>2026-11-20T18:48:41.126Z</LastModified><ETag>&quot;49f68a5c8493ec2c0bf489821c21fc3b&quot;</ETag><Size>2</Size><StorageClass>STANDARD</StorageClass><Type>Normal</Type></Contents><KeyCount>1</KeyCount></ListBucketResult>',
    )
    expect(scanListing(radosgw)).toEqual({
      entries: [
        {
          key: './../x y',
          kind: 'object',
          size: 2,
          // The milliseconds are left out: HEAD does not have them.
          mtime: Date.UTC(2026, 10, 20, 18, 48, 41) * 1000,
          token: '49f68a5c8493ec2c0bf489821c21fc3b',
        },
      ],
      next: null,
    })
  })

  test('of a server that ignores the encoding gives the same keys', () => {
    expect(scannedKeys(page(contents('a&amp;b&#38;c&lt;&#x1;é%2F+\u{1f642}')))).toEqual([
      keyFromText('a&b&c<\x01é%2F+\u{1f642}'),
    ])
    expect(scannedKeys(page(contents(' blanks ')))).toEqual([' blanks '])
    expect(scannedKeys(page(contents('%F0%9F%99%82%ff'), url))).toEqual(['\xf0\x9f\x99\x82\xff'])
  })

  test('any listing means to the scanner what it means to the real parser, and what was meant', () => {
    const object = fc.record({
      key: fc
        .string({ unit: 'binary', minLength: 1, maxLength: 20 })
        .filter((text) => text.isWellFormed() && !/[\0\ufffe\uffff]/u.test(text)),
      size: fc.nat({ max: Number.MAX_SAFE_INTEGER }).map((n) => Math.floor(n / 10)),
      time: fc.integer({ min: 0, max: 4_102_444_800 }),
      token: fc.stringMatching(/^[0-9a-zA-Z&<'-]{1,40}$/),
      storageClass: fc.option(fc.constantFrom('STANDARD', 'GLACIER', 'x&y'), { nil: null }),
      order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
      xmlWay: fc.nat(2),
      urlWay: fc.nat(2),
      gap: fc.constantFrom('', '\n  ', ' \t'),
      fraction: fc.constantFrom('', '.000', '.999'),
      extra: fc.constantFrom(
        '',
        '<Owner><ID>a</ID><DisplayName>b &amp; c</DisplayName></Owner>',
        '<Type>Normal</Type>',
      ),
    })
    const listing = fc.record({
      objects: fc.array(object, { maxLength: 6 }),
      url: fc.boolean(),
      next: fc.option(fc.stringMatching(/^[!-~]{1,20}$/), { nil: null }),
      late: fc.boolean(),
    })
    fc.assert(
      fc.property(listing, ({ objects, url, next, late }) => {
        let body = ''
        for (const o of objects) {
          const key = url ? inXml(inUrl(o.key, o.urlWay), o.xmlWay) : inXml(o.key, o.xmlWay)
          const time = new Date(o.time * 1000).toISOString().replace('.000Z', `${o.fraction}Z`)
          const parts = [
            `<Key>${key}</Key>`,
            `<LastModified>${time}</LastModified>`,
            `<ETag>${inXml(`"${o.token}"`, o.xmlWay)}</ETag>`,
            `<Size>${o.size}</Size>`,
            o.storageClass === null ? '' : `<StorageClass>${inXml(o.storageClass, o.xmlWay)}</StorageClass>`,
            o.extra,
          ]
          body += `<Contents>${o.order.map((i) => parts[i]).join(o.gap)}${o.gap}</Contents>${o.gap}`
        }
        const rest = `${url ? '<EncodingType>url</EncodingType>' : ''}<IsTruncated>${next !== null}</IsTruncated>${next === null ? '' : `<NextContinuationToken>${inXml(next, 0)}</NextContinuationToken>`}<KeyCount>${objects.length}</KeyCount>`
        const bytes = late ? page(body + rest, '') : page(body, rest)
        const meant = {
          entries: objects.map((o) => ({
            key: keyFromText(o.key),
            kind: 'object',
            size: o.size,
            mtime: o.time * 1_000_000,
            token: o.token,
            ...(o.storageClass !== null && o.storageClass !== 'STANDARD' && { storageClass: o.storageClass }),
          })),
          next,
        }
        expect(scanListing(bytes)).toEqual(meant)
        expect(parsed(bytes)).toEqual(meant)
      }),
      { numRuns: 300 },
    )
  })

  test('damaged in any way is never taken for another listing', () => {
    const good = page(
      [contents('a%20b'), contents('b', '<Owner><ID>o</ID></Owner>'), contents('c')].join('\n'),
      '<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>',
    )
    const whole = scanListing(good)
    expect(whole?.entries).toHaveLength(3)
    for (let end = 0; end < good.length; end++) {
      const cut = good.subarray(0, end)
      expect(scanListing(cut)).toBeNull()
      expect(typeof readListing(cut)).toBe('string')
    }
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.nat(40),
        fc.constantFrom(
          '',
          '<',
          '>',
          '&',
          '/',
          '<Key>',
          '</Contents>',
          '<!-- -->',
          '<![CDATA[x]]>',
          '\0',
          '%',
          '"',
        ),
        (at, remove, insert) => {
          const damaged = Buffer.concat([
            good.subarray(0, at),
            Buffer.from(insert),
            good.subarray(Math.min(at + remove, good.length)),
          ])
          // Where the scanner takes it at all, the real parser reads the same in it.
          const scanned = scanListing(damaged)
          if (scanned) expect(parsed(damaged)).toEqual(scanned)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('that the scanner does not know goes to the real parser', () => {
    const one = { key: 'a b' as Key, size: 2, token: '49f68a5c8493ec2c0bf489821c21fc3b' }
    for (const odd of [
      page(`<!-- a comment -->${contents('a+b')}`, url),
      page(contents('<![CDATA[a+b]]>'), url),
      page(contents('a+b', '<x:Odd xmlns:x="y">1</x:Odd>'), url),
      page(contents('a+b').replace('<Key>', '<Key xml:space="preserve">'), url),
      page(contents('a+b').replace('.124Z', '.124567Z'), url),
      Buffer.from(page(contents('a+b'), url).toString().replaceAll('"', "'")),
    ]) {
      expect(scanListing(odd), odd.toString()).toBeNull()
      expect(readListing(odd)).toMatchObject({ entries: [one], next: null })
    }
  })

  test('without what a listing must have is none', () => {
    const wrong: [string, Buffer][] = [
      ['no IsTruncated', page(contents('a'), '')],
      ['truncated without a token', page(contents('a'), '<IsTruncated>true</IsTruncated>')],
      ['two of one', page(contents('a', '<Key>b</Key>'))],
      ['no key', page(contents('a').replace('<Key>a</Key>', ''))],
      ['an empty key', page(contents(''))],
      ['no size', page(contents('a').replace('<Size>2</Size>', ''))],
      ['a size that is none', page(contents('a').replace('<Size>2<', '<Size>2.5<'))],
      ['a negative size', page(contents('a').replace('<Size>2<', '<Size>-2<'))],
      ['no ETag', page(contents('a').replace(/<ETag>.*<\/ETag>/, ''))],
      ['an empty ETag', page(contents('a').replace(/<ETag>.*<\/ETag>/, '<ETag>""</ETag>'))],
      ['no time', page(contents('a').replace(/<LastModified>.*<\/LastModified>/, ''))],
      ['a time that is none', page(contents('a').replace('2026-11-20', '2026-99-20'))],
      ['an escape that is none', page(contents('a%2'), url)],
      ['an escape of nonsense', page(contents('a%zzb'), url)],
      ['something after its end', Buffer.concat([page(contents('a')), Buffer.from('<more/>')])],
    ]
    for (const [what, bytes] of wrong) {
      expect(scanListing(bytes), what).toBeNull()
      expect(typeof readListing(bytes), what).toBe('string')
    }
    expect(readListing(Buffer.from('<Error><Code>InternalError</Code></Error>'))).toBe(
      '<Error> for a listing',
    )
    expect(readListing(Buffer.from('<html><br></html>'))).toBe('a listing that is cut off or is no XML')
    expect(readListing(Buffer.alloc(0))).toBe('a listing that is cut off or is no XML')
  })
})
