import { describe, expect, it } from 'vitest'
import { carry } from '../../agent/core/carry.ts'
import { type CopyPlan, planCopy } from '../../agent/core/copy-plan.ts'
import type { Multipart, Storage } from '../../agent/storage/storage.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB
const md5 = 'a'.repeat(32)
const limits = { minPart: 5 * MiB, maxPart: 5 * GiB, maxParts: 10_000, maxWrite: 5 * GiB }
const s3 = { limits } as Multipart
const small = { limits: { ...limits, maxWrite: 10 * MiB } } as Multipart

describe('an object is copied', () => {
  const stream: CopyPlan = { how: 'stream' }
  const parts = (partSize: number): CopyPlan => ({ how: 'parts', partSize })
  const asSource = (count: number): CopyPlan => ({ how: 'as-source', parts: count })
  const atOnce: CopyPlan = { how: 'at-once' }

  it.each<[string, Storage['tokens'], string, number, Multipart | null, CopyPlan]>([
    ['S3 → S3, empty', 'md5', md5, 0, s3, atOnce],
    ['S3 → S3, small', 'md5', md5, MiB, s3, atOnce],
    ['S3 → S3, with an MD5, whole and whatever its size', 'md5', md5, 5 * GiB, s3, stream],
    ['S3 → S3, with an MD5, past a single write', 'md5', md5, 5 * GiB + 1, s3, parts(16 * MiB)],
    ['S3 → S3, cut as it was', 'md5', `${md5}-13`, 100 * MiB, s3, asSource(13)],
    ['S3 → S3, in one part', 'md5', `${md5}-1`, 100, s3, asSource(1)],
    ['S3 → S3, an empty upload', 'md5', `${md5}-1`, 0, s3, atOnce],
    ['S3 → S3, in more parts than the store takes', 'md5', `${md5}-10001`, 100 * GiB, s3, parts(16 * MiB)],
    ['S3 → S3, opaque', 'md5', 'opaque', 64 * MiB, s3, stream],
    ['S3 → S3, opaque and large', 'md5', 'opaque', 64 * MiB + 1, s3, parts(16 * MiB)],
    ['file → S3, small', 'none', '1-2', 4096, s3, atOnce],
    ['file → S3', 'none', '1-2', MiB + 1, s3, stream],
    ['file → S3, large', 'none', '1-2', 64 * MiB + 1, s3, parts(16 * MiB)],
    ['file → S3, huge', 'none', '1-2', 5 * 1024 * GiB, s3, parts(525 * MiB)],
    ['file → S3, past a small store’s single write', 'none', '1-2', 11 * MiB, small, parts(16 * MiB)],
    ['a file’s token that looks like an ETag', 'none', `${md5}-3`, 20 * MiB, s3, stream],
    ['S3 → file', 'md5', md5, 100 * GiB, null, stream],
    ['S3 → file, multipart', 'md5', `${md5}-7`, 100 * GiB, null, stream],
    ['file → file', 'none', '1-2', 100 * GiB, null, stream],
  ])('%s', (_, tokens, token, size, multipart, plan) => {
    expect(planCopy({ size, token }, tokens, multipart)).toEqual(plan)
  })

  it('not at all where it is more than the store can hold', () => {
    const object = { size: 10_000 * 5 * GiB + 1, token: '1-2' }
    expect(() => planCopy(object, 'none', s3)).toThrow(expect.objectContaining({ code: 'too-large' }))
  })
})

describe('metadata', () => {
  const source = { mtime: 1_700_000_000_500_000 }
  const metadata = { headers: { 'content-type': 'a/b', 'cache-control': 'x' }, user: { a: '1' } }

  it('travel to an object store as they are', () => {
    expect(carry(metadata, source, 's3')).toBe(metadata)
  })

  it('give a file the mtime that they record', () => {
    const recorded = { ...metadata, user: { a: '1', mtime: '12.5' } }
    expect(carry(recorded, source, 'file')).toBe(recorded)
  })

  it('give a file the LastModified where they record no mtime, or none that a file could have', () => {
    const user = { a: '1', mtime: '1700000000.5' }
    expect(carry(metadata, source, 'file')).toEqual({ ...metadata, user })
    const unreadable = { ...metadata, user: { a: '1', mtime: 'last week' } }
    expect(carry(unreadable, source, 'file')).toEqual({ ...metadata, user })
  })
})
