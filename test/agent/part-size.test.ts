import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultPartSize, partCount, partSizes, suggestPartSize } from '../../agent/core/part-size.ts'
import { partDigest, wholeDigest } from '../../agent/part-digest.ts'

fc.configureGlobal({ seed: 1 })

const MiB = 1024 * 1024
const s3 = { minPart: 5 * MiB, maxPart: 5 * 1024 * MiB, maxParts: 10_000 }

describe('the part size that an object was uploaded with', () => {
  it.each([
    ['the AWS command line', 100 * MiB, 13, 8 * MiB],
    ['rclone', 100 * MiB, 20, 5 * MiB],
    ['s3cmd', 1000 * MiB, 67, 15 * MiB],
    ['parts in megabytes', 100_000_000, 10, 10 * MiB],
    ['parts that only megabytes explain', 1_000_000_000, 125, 8_000_000],
    ['one part', 3 * MiB + 1, 1, 3 * MiB + 1],
  ])('is guessed for %s', (_, size, parts, expected) => {
    expect(suggestPartSize(size, parts)).toBe(expected)
  })

  it('is not guessed where so many parts cannot be', () => {
    expect(suggestPartSize(5, 9)).toBeNull()
    expect(suggestPartSize(0, 2)).toBeNull()
  })

  it('always gives as many parts as were asked for', () => {
    const objects = fc.record({
      size: fc.integer({ min: 1, max: 5 * 1024 ** 4 }),
      parts: fc.integer({ min: 1, max: 10_000 }),
    })
    fc.assert(
      fc.property(objects, ({ size, parts }) => {
        for (const guess of partSizes(size, parts, 5)) expect(partCount(size, guess)).toBe(parts)
      }),
    )
  })

  it('is among the guesses whatever whole MiB it was, where only one whole MiB fits', () => {
    const uploads = fc.record({
      mib: fc.integer({ min: 5, max: 600 }),
      parts: fc.integer({ min: 601, max: 9_999 }),
    })
    fc.assert(
      fc.property(uploads, fc.double({ min: 0.01, max: 1, noNaN: true }), ({ mib, parts }, last) => {
        const size = mib * MiB * (parts - 1) + Math.ceil(last * mib * MiB)
        expect(partSizes(size, parts, 50)).toContain(mib * MiB)
      }),
    )
  })
})

describe('our own part size', () => {
  it('is 16 MiB, and larger only where the object needs it', () => {
    expect(defaultPartSize(65 * MiB, s3)).toBe(16 * MiB)
    expect(defaultPartSize(160_000 * MiB, s3)).toBe(16 * MiB)
    expect(defaultPartSize(160_000 * MiB + 1, s3)).toBe(17 * MiB)
    expect(defaultPartSize(MiB, { ...s3, maxPart: 6_000_000 })).toBe(6_000_000)
  })

  it('keeps every limit of the store, or says that the object is too large', () => {
    const cases = fc.record({
      size: fc.integer({ min: 0, max: 50 * 1024 ** 4 }),
      maxParts: fc.integer({ min: 1, max: 20_000 }),
      maxPart: fc.integer({ min: 16 * MiB, max: 5 * 1024 * MiB }),
    })
    fc.assert(
      fc.property(cases, ({ size, maxParts, maxPart }) => {
        const limits = { minPart: 5 * MiB, maxPart, maxParts }
        const most = Math.min(maxParts, 10_000)
        if (size > most * maxPart) {
          expect(() => defaultPartSize(size, limits)).toThrow(expect.objectContaining({ code: 'too-large' }))
          return
        }
        const partSize = defaultPartSize(size, limits)
        expect(partCount(size, partSize)).toBeLessThanOrEqual(most)
        expect(partSize).toBeLessThanOrEqual(maxPart)
        expect(partSize).toBeGreaterThanOrEqual(limits.minPart)
      }),
    )
  })
})

describe('digests of bodies', () => {
  const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

  it('are the ETags that S3 gives, however the body was cut into chunks', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 })
    fc.assert(
      fc.property(bodies, fc.integer({ min: 1, max: 50 }), (chunks, partSize) => {
        const body = Buffer.concat(chunks)
        const parts = [body.subarray(0, partSize)]
        for (let at = partSize; at < body.length; at += partSize) parts.push(body.subarray(at, at + partSize))
        const whole = wholeDigest()
        const cut = partDigest(partSize)
        for (const chunk of chunks) {
          whole.update(chunk)
          cut.update(chunk)
        }
        expect(whole.etag()).toBe(md5(body).toString('hex'))
        expect(cut.etag()).toBe(`${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}`)
      }),
    )
  })
})
