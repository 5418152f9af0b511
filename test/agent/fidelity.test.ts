import { describe, expect, it } from 'vitest'
import { carried, type Refusable } from '../../agent/core/fidelity.ts'
import { differingProperties } from '../../agent/core/same-properties.ts'
import { suspects } from '../../agent/core/suspects.ts'
import type { Properties } from '../../agent/storage/properties.ts'
import { defaultFidelity, type FidelityPolicy, fidelitySchema } from '../../shared/fidelity.ts'
import { keyFromText } from '../../shared/key.ts'

const tags = [{ name: 'a', value: 'b' }]
const retention = { mode: 'GOVERNANCE', until: '2030-01-01T00:00:00Z' } as const

function carry(
  properties: Properties | undefined,
  policy: Partial<FidelityPolicy> = {},
  refused: Refusable[] = [],
  to: 's3' | 'file' = 's3',
) {
  const metadata = { headers: {}, user: {}, ...(properties && { properties }) }
  const source = { key: keyFromText('key'), mtime: 0 }
  return carried(metadata, source, to, { ...defaultFidelity, ...policy }, new Set(refused))
}

describe('what is carried', () => {
  it('is the very same metadata where there is nothing besides', () => {
    const metadata = { headers: { 'content-type': 'x/y' }, user: { a: 'b' } }
    const source = { key: keyFromText('key'), mtime: 0 }
    expect(carried(metadata, source, 's3', defaultFidelity, new Set()).metadata).toBe(metadata)
  })

  it.each<[string, Properties, Partial<FidelityPolicy>, Properties | undefined, string[]]>([
    ['a class is kept', { storageClass: 'STANDARD_IA' }, {}, { storageClass: 'STANDARD_IA' }, []],
    ['an archive becomes the default', { storageClass: 'GLACIER' }, {}, undefined, ['storage-class']],
    [
      'an archive is kept where it is said by name',
      { storageClass: 'GLACIER' },
      { storageClass: { to: { GLACIER: 'DEEP_ARCHIVE' } } },
      { storageClass: 'DEEP_ARCHIVE' },
      [],
    ],
    [
      'classes that are not named are kept, or what * says',
      { storageClass: 'STANDARD_IA' },
      { storageClass: { to: { '*': 'ONEZONE_IA', GLACIER: 'GLACIER_IR' } } },
      { storageClass: 'ONEZONE_IA' },
      [],
    ],
    [
      'the default is asked for',
      { storageClass: 'STANDARD_IA' },
      { storageClass: 'default' },
      undefined,
      ['storage-class'],
    ],
    ['tags are kept', { tagCount: 1, tags }, {}, { tags }, []],
    ['tags are dropped', { tagCount: 1, tags }, { tags: 'drop' }, undefined, ['tags']],
    ['locks are dropped', { retention, legalHold: true }, {}, undefined, ['object-lock']],
    ['locks are kept', { retention }, { objectLock: 'keep' }, { retention }, []],
    ['encryption is the destination’s own', { encryption: { algorithm: 'aws:kms' } }, {}, undefined, []],
    [
      'encryption is kept',
      { encryption: { algorithm: 'aws:kms', key: 'k' } },
      { encryption: 'keep' },
      { encryption: { algorithm: 'aws:kms', key: 'k' } },
      [],
    ],
    [
      'a customer’s key belongs to a location',
      { encryption: { algorithm: 'customer' } },
      { encryption: 'keep' },
      undefined,
      [],
    ],
    [
      'an encryption for all has its key behind a colon',
      {},
      { encryption: 'aws:kms:arn:aws:kms:eu-west-1:1:key/2' },
      { encryption: { algorithm: 'aws:kms', key: 'arn:aws:kms:eu-west-1:1:key/2' } },
      [],
    ],
    ['DSSE', {}, { encryption: 'aws:kms:dsse' }, { encryption: { algorithm: 'aws:kms:dsse' } }, []],
    ['what the source cannot say is counted', { missing: 2 }, {}, undefined, ['hidden-metadata']],
  ])('%s', (_, properties, policy, given, dropped) => {
    expect(fidelitySchema.safeParse({ ...defaultFidelity, ...policy }).success).toBe(true)
    const it = carry(properties, policy)
    expect(it.metadata.properties).toEqual(given)
    expect(it.dropped).toEqual(dropped)
  })

  it('is lost only where the destination cannot hold what the policy keeps', () => {
    expect(carry({ tagCount: 1, tags }, { tags: 'drop' }).lost).toEqual([])
    const refused = carry({ tagCount: 1, tags, redirect: '/x' }, {}, ['tags'])
    expect(refused).toMatchObject({ dropped: ['tags'], lost: ['tags'] })
    expect(refused.metadata.properties).toEqual({ redirect: '/x' })
    // Nobody asked for them, since they would not be taken.
    expect(carry({ tagCount: 1 }, {}, ['tags']).lost).toEqual(['tags'])
    // A checksum can be had again.
    const checksum = { algorithm: 'crc32', value: 'AAAAAA==' }
    expect(carry({ checksum }, {}, ['checksum'])).toMatchObject({ dropped: [], lost: [] })
  })

  it('is nothing but the time in a file', () => {
    const { lost } = carry(
      { tagCount: 1, redirect: '/x', retention, storageClass: 'GLACIER' },
      {},
      [],
      'file',
    )
    expect(lost).toEqual(['tags', 'redirect', 'object-lock'])
  })
})

it.each([
  ['aws:kms:', false],
  ['AES128', false],
  ['aws:kms:a b', false],
  ['aws:kms:alias/x', true],
])('the encryption %s is taken: %s', (encryption, isTaken) => {
  expect(fidelitySchema.safeParse({ ...defaultFidelity, encryption }).success).toBe(isTaken)
})

describe('differences', () => {
  it('are those of what is wanted, and tags that are not', () => {
    const found: Properties = { storageClass: 'STANDARD_IA', encryption: { algorithm: 'AES256' } }
    expect(differingProperties(undefined, found)).toEqual([])
    expect(differingProperties(undefined, { tagCount: 1 })).toEqual(['tags'])
    expect(differingProperties({ tags }, { tagCount: 1 })).toEqual([])
    expect(differingProperties({ tags }, { tagCount: 1, tags: [{ name: 'a', value: 'c' }] })).toEqual([
      'tags',
    ])
    expect(differingProperties({ redirect: '/x', storageClass: 'GLACIER_IR' }, found)).toEqual([
      'storage-class',
      'redirect',
    ])
    const other = { ...retention, until: '2030-01-01T00:00:00.000Z' }
    expect(differingProperties({ retention }, { retention: other })).toEqual([])
    const [kms, named] = [{ algorithm: 'aws:kms' } as const, { algorithm: 'aws:kms', key: 'k' } as const]
    expect(differingProperties({ encryption: kms }, { encryption: named })).toEqual([])
    expect(differingProperties({ encryption: named }, { encryption: kms })).toEqual(['encryption'])
  })
})

describe('suspects', () => {
  it('are each alone, what the server’s words suggest first, then all', () => {
    const names = new Set<Refusable>(['storage-class', 'tags', 'redirect'])
    const order = (message: string) => suspects(names, message).map((some) => [...some].join('+'))
    expect(order('NotImplemented')).toEqual([
      'storage-class',
      'tags',
      'redirect',
      'storage-class+tags+redirect',
    ])
    expect(order('InvalidTag, it is not valid')[0]).toBe('tags')
    expect(suspects(new Set<Refusable>(['acl']), '')).toEqual([new Set(['acl'])])
  })
})
