import { describe, expect, it } from 'vitest'
import { type BaselineRow, baselineRow } from '../../agent/baseline/baseline.ts'
import { judge, type Sides } from '../../agent/core/judge.ts'
import type { Entry } from '../../agent/storage/storage.ts'
import type { Key } from '../../shared/key.ts'
import type { Depth } from '../../shared/policy.ts'

const key = 'k' as Key
const md5 = 'a'.repeat(32)
const otherMd5 = 'b'.repeat(32)
const now = 1_700_000_000_000_000

const object = (token: string, more: Partial<Entry> = {}): Entry => ({
  key,
  kind: 'object',
  size: 10,
  mtime: now,
  token,
  ...more,
})
const file = (more: Partial<Entry> = {}): Entry => object(`${now}-7`, more)

const s3s3: Sides = { source: 'md5', destination: 'md5' }
const fileS3: Sides = { source: 'none', destination: 'md5' }
const s3File: Sides = { source: 'md5', destination: 'none' }
const files: Sides = { source: 'none', destination: 'none' }

const row = (source: Entry, destination: Entry): BaselineRow => baselineRow(source, destination, 'hashed')
const verdict = (...args: Parameters<typeof judge>) => {
  const { is, ...rest } = judge(...args)
  return 'evidence' in rest ? `${is}: ${rest.evidence}` : is
}

describe('a copy', () => {
  const multipart = (hex: string, parts: number) => object(`${hex.repeat(32)}-${parts}`)

  it.each<[string, Entry, Entry, BaselineRow | null, Sides, string]>([
    ['other size', object(md5), object(md5, { size: 11 }), null, s3s3, 'differs'],
    ['other size of files of one mtime', file(), file({ size: 9 }), null, files, 'differs'],
    [
      'other size, whatever the baseline says',
      file(),
      object(md5, { size: 9 }),
      row(file(), object(md5)),
      fileS3,
      'differs',
    ],
    ['a link at the destination', file(), file({ kind: 'symlink' }), null, files, 'differs'],

    ['equal MD5s', object(md5, { mtime: 5 }), object(md5), null, s3s3, 'same: etag'],
    ['equal MD5s of one second', object(md5), object(md5), null, s3s3, 'same: etag'],
    ['equal MD5s, newer at the source', object(md5), object(md5, { mtime: 5 }), null, s3s3, 'touched: etag'],
    ['unequal MD5s', object(md5), object(otherMd5), null, s3s3, 'differs'],
    ['equal multipart', multipart('a', 3), multipart('a', 3), null, s3s3, 'same: etag'],
    ['unequal multipart', multipart('a', 3), multipart('b', 3), null, s3s3, 'differs'],
    ['equal but opaque', object('x'), object('x'), null, s3s3, 'differs'],
    ['other part counts', multipart('a', 3), multipart('a', 4), null, s3s3, 'differs'],
    ['MD5 and multipart', object(md5), multipart('a', 1), null, s3s3, 'differs'],
    ['MD5 and opaque', object(md5), object('x'), null, s3s3, 'differs'],
    ['an MD5 in a file’s token', object(md5), file({ token: md5 }), null, s3File, 'unknown'],

    ['file and S3', file(), object(md5), null, fileS3, 'unknown'],
    ['S3 and file of one mtime', object(md5), file(), null, s3File, 'unknown'],
    ['files of one mtime', file(), file({ token: '1-2' }), null, files, 'same: size+mtime'],
    ['files a microsecond apart', file(), file({ mtime: now + 1 }), null, files, 'same: size+mtime'],
    ['a file on a disk of whole seconds', file({ mtime: now + 5 }), file(), null, files, 'same: size+mtime'],
    ['files two microseconds apart', file(), file({ mtime: now + 2 }), null, files, 'differs'],
  ])('%s', (_, source, destination, baseline, sides, expected) => {
    expect(verdict(source, destination, baseline, sides)).toBe(expected)
  })

  describe('with a baseline', () => {
    it('takes unequal tokens for the same where both sides are unchanged', () => {
      for (const [a, b, sides] of [
        [object(md5), object(otherMd5), s3s3],
        [object(md5), object('opaque'), s3s3],
        [multipart('a', 3), multipart('b', 3), s3s3],
        [multipart('a', 3), multipart('b', 5), s3s3],
        [file(), object(md5), fileS3],
        [object('opaque'), file(), s3File],
        [file(), file({ mtime: 5 }), files],
      ] as const) {
        expect(verdict(a, b, row(a, b), sides)).toBe('same: baseline')
      }
    })

    it('prefers what the listings say', () => {
      expect(verdict(object(md5), object(md5), row(object(md5), object(md5)), s3s3)).toBe('same: etag')
    })

    it('sees a change of either side by its token', () => {
      const was = row(object('s'), object('d'))
      expect(verdict(object('s2'), object('d'), was, s3s3)).toBe('differs')
      expect(verdict(object('s'), object('d2'), was, s3s3)).toBe('differs')
      const wasFile = row(file(), object(md5))
      expect(verdict(file({ token: '1-7' }), object(md5), wasFile, fileS3)).toBe('unknown')
      expect(verdict(file(), object(otherMd5), wasFile, fileS3)).toBe('unknown')
    })

    it('sees a change of a file by its mtime too, and forgives it a microsecond', () => {
      const was = row(file(), object(md5))
      expect(verdict(file({ mtime: now + 2 }), object(md5), was, fileS3)).toBe('unknown')
      expect(verdict(file({ mtime: now + 1 }), object(md5), was, fileS3)).toBe('same: baseline')
    })

    it('minds no LastModified of an S3 object, and no mtime that a store never told', () => {
      const was = row(file(), object(md5))
      expect(verdict(file(), object(md5, { mtime: 1 }), was, fileS3)).toBe('same: baseline')
      const untold = { ...was, destination: { ...was.destination, mtime: null } }
      expect(verdict(file(), object(md5), untold, fileS3)).toBe('same: baseline')
    })

    it('sees that an object was written again by its time, whatever the stores’ clocks say', () => {
      const was = row(object(md5), object(md5))
      const at = (source: number, destination: number) =>
        verdict(object(md5, { mtime: source }), object(md5, { mtime: destination }), was, s3s3)
      expect(at(now, 5)).toBe('same: etag')
      expect(at(now - 1_000_000, now)).toBe('touched: etag')
      expect(at(now + 1_000_000, now + 9_000_000)).toBe('touched: etag')
      const opaque = row(object('s'), object('d'))
      expect(verdict(object('s', { mtime: now + 1 }), object('d'), opaque, s3s3)).toBe('touched: baseline')
      // What the row says of another content says nothing of this.
      expect(verdict(object(otherMd5, { mtime: 5 }), object(otherMd5), was, s3s3)).toBe('same: etag')
    })

    it('looks closer where a file was touched although size and mtime say that it is the same', () => {
      const was = row(file(), file())
      expect(verdict(file({ token: '9-7' }), file(), was, files)).toBe('unknown')
      expect(verdict(file(), file({ token: '9-7' }), was, files)).toBe('unknown')
    })
  })
})

describe('a copy that is told how to compare', () => {
  const [older, newer] = [{ mtime: now - 1 }, { mtime: now + 1 }]
  it.each<[string, Entry, Entry, Sides, Record<'checksum' | 'mtime' | 'full', string>]>([
    ['equal MD5s', object(md5), object(md5), s3s3, told('same: etag', 'same: etag')],
    ['unequal MD5s', object(md5), object(otherMd5), s3s3, told('differs', 'same: size+mtime')],
    ['unequal, newer at the source', object(md5, newer), object('x'), s3s3, told('unknown', 'differs')],
    ['incomparable', object(md5, older), object('x'), s3s3, told('unknown', 'same: size+mtime')],
    ['file and S3', file(), object(md5), fileS3, told('unknown', 'unknown')],
    ['files of one mtime', file(), file(), files, told('unknown', 'same: size+mtime')],
    ['files of two', file(), file({ mtime: 1 }), files, told('unknown', 'differs')],
  ])('%s', (_, source, destination, sides, expected) => {
    for (const compare of ['checksum', 'mtime', 'full'] as const)
      expect([compare, verdict(source, destination, null, { ...sides, compare })]).toEqual([
        compare,
        expected[compare],
      ])
  })

  it('by checksum looks closer at what only the baseline says', () => {
    const [a, b] = [object(md5), object(otherMd5)]
    expect(verdict(a, b, row(a, b), { ...s3s3, compare: 'checksum' })).toBe('unknown')
    expect(verdict(a, b, row(a, b), { ...s3s3, compare: 'mtime' })).toBe('same: baseline')
  })

  function told(checksum: string, mtime: string) {
    return { checksum, mtime, full: 'unknown' }
  }
})

describe('a verification', () => {
  const three = (hex: string) => object(`${hex.repeat(32)}-3`)

  it.each<[string, Entry, Entry, Sides, Record<Depth, string>]>([
    ['other size', object(md5), object(md5, { size: 1 }), s3s3, all('differs')],
    ['equal MD5s', object(md5), object(md5), s3s3, { ...all('same: etag'), full: 'unknown' }],
    [
      'unequal MD5s: perhaps none',
      object(md5),
      object(otherMd5),
      s3s3,
      { ...all('unknown'), listing: 'differs' },
    ],
    ['equal multipart', three('a'), three('a'), s3s3, { ...all('same: etag'), full: 'unknown' }],
    ['unequal multipart: perhaps only cut elsewhere', three('a'), three('b'), s3s3, all('unknown')],
    ['MD5 and opaque', object(md5), object('x'), s3s3, all('unknown')],
    ['file and S3', file(), object(md5), fileS3, all('unknown')],
    ['files of one mtime', file(), file(), files, { ...all('unknown'), listing: 'same: size+mtime' }],
    ['files of two mtimes', file(), file({ mtime: 1 }), files, all('unknown')],
  ])('%s', (_, source, destination, sides, expected) => {
    for (const depth of ['listing', 'checksum', 'full'] as const) {
      // The baseline would say `same` everywhere, and is no evidence here.
      const baseline = row(source, destination)
      expect([depth, verdict(source, destination, baseline, { ...sides, depth })]).toEqual([
        depth,
        expected[depth],
      ])
    }
  })

  function all(word: string): Record<Depth, string> {
    return { listing: word, checksum: word, full: word }
  }
})
