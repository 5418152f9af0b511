/** Folders as people look into them: of a directory, and of a bucket on the server of this repository. */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { FolderEntry, Storage } from '../../agent/storage/storage.ts'
import { escapeKey, type Key, keyFromText } from '../../shared/key.ts'
import { oddKeys } from '../support/odd-keys.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'
import { noSignal } from './contract.ts'

let top: string
let s3: TestS3
beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test secret')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  s3 = await testS3()
})
afterAll(() => vi.unstubAllEnvs())
beforeEach(() => {
  top = fs.mkdtempSync(join(tmpdir(), 'dray-folder-'))
})
afterEach(() => fs.rmSync(top, { recursive: true, force: true }))

/** All of a folder by pages of `most`. */
async function all(storage: Storage, most = 3): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = []
  for (let after: Key | null = null; ; ) {
    const page = await storage.folder!({ after, most, signal: noSignal })
    entries.push(...page.entries)
    if (!page.more) break
    expect(page.entries).toHaveLength(most)
    after = page.entries.at(-1)!.name
  }
  await storage.close()
  return entries
}

const named = (entries: readonly FolderEntry[]) => entries.map(({ kind, name }) => `${kind} ${name}`)

const bucketAt = (bucket: string, prefix = '') =>
  openS3Storage(
    {
      ...{ kind: 's3', bucket, prefix, endpoint: s3.server.url.href },
      ...{ region: null, profile: null, site: null },
    },
    { connections: 4 },
  )
const putKey = (bucket: string, key: Key, body = 'x') =>
  s3.call('PUT', `/${bucket}/${escapeKey(key)}`, { body: Buffer.from(body) })

const directoryAt = (path: string) =>
  openFileStorage(
    { kind: 'file', path, site: 'here' },
    { agentId: 'agent', spillDir: join(top, 'spill'), symlinks: 'skip' },
  )

describe('a bucket', () => {
  it('is shown a folder at a time, each folder once, whatever its pages', async () => {
    s3.server.createBucket('folders')
    const keys = ['a', 'a.txt', 'a/1', 'a/2', 'a/b/3', 'a0', 'b/', 'b/\u{10ffff}', 'c//d', 'ä/ö']
    for (const key of keys) await putKey('folders', keyFromText(key))
    const expected = ['object a', 'object a.txt', 'folder a/', 'object a0', 'folder b/', 'folder c/']
    for (const most of [1, 2, 3, 200]) {
      expect(named(await all(await bucketAt('folders'), most))).toEqual([
        ...expected,
        `folder ${keyFromText('ä/')}`,
      ])
    }
    expect(named(await all(await bucketAt('folders', 'a/'), 1))).toEqual([
      'object 1',
      'object 2',
      'folder b/',
    ])
    expect(named(await all(await bucketAt('folders', 'c/'), 1))).toEqual(['folder /'])
  })

  it('shows the marker of a folder, by an empty name', async () => {
    s3.server.createBucket('markers')
    await putKey('markers', keyFromText('f/'), '')
    await putKey('markers', keyFromText('f/x'), 'four')
    const [marker, other] = await all(await bucketAt('markers', 'f/'), 1)
    expect(marker).toMatchObject({ kind: 'object', name: '', size: 0 })
    expect(other).toMatchObject({ kind: 'object', name: 'x', size: 4 })
    expect(other!.mtime! / 1_000).toBeGreaterThan(1_500_000_000_000)
  })

  it('gives every odd key as it is, at its place', async () => {
    s3.server.createBucket('odd')
    const keys = [...new Set(oddKeys.map(keyFromText))].filter((key) => key.length < 1_000)
    await Promise.all(keys.map((key) => putKey('odd', `top/${key}` as Key)))
    const names = keys.map((key) => {
      const at = key.indexOf('/')
      return at < 0 ? `object ${key}` : `folder ${key.slice(0, at + 1)}`
    })
    const expected = [...new Set(names)].sort((a, b) => (a.slice(7) < b.slice(7) ? -1 : 1))
    expect(named(await all(await bucketAt('odd', 'top/'), 7))).toEqual(expected)
  })

  it('says that there is no such bucket, and that a folder has nothing', async () => {
    await expect(all(await bucketAt('nowhere'))).rejects.toMatchObject({ code: 'no-such-bucket' })
    s3.server.createBucket('empty')
    expect(await all(await bucketAt('empty', 'what/'))).toEqual([])
  })
})

describe('a directory', () => {
  it('is shown in the order of keys, with links and devices told and not followed', async () => {
    fs.mkdirSync(join(top, 'a'))
    fs.writeFileSync(join(top, 'a', 'inside'), 'x')
    fs.writeFileSync(join(top, 'a.txt'), 'four')
    fs.writeFileSync(Buffer.concat([Buffer.from(`${top}/`), Buffer.from([0xff])]), '')
    fs.writeFileSync(join(top, '<script>\u202e\n'), '')
    fs.symlinkSync('/etc', join(top, 'etc'))
    for (const most of [1, 200]) {
      expect(named(await all(directoryAt(top), most))).toEqual([
        `object ${keyFromText('<script>\u202e\n')}`,
        'object a.txt',
        'folder a/',
        'symlink etc',
        'object \xff',
      ])
    }
  })

  it('of very many names is shown by pages', async () => {
    const names = Array.from({ length: 5_000 }, (_, i) => `f${String((i * 7919) % 5_000).padStart(5, '0')}`)
    for (const name of names) fs.writeFileSync(join(top, name), '')
    const page = await directoryAt(top).folder!({ after: 'f02499' as Key, most: 200, signal: noSignal })
    expect(page.entries.map(({ name }) => name)).toEqual(names.sort().slice(2_500, 2_700))
    expect(page.more).toBe(true)
  })

  it('says what is missing, and what is a file', async () => {
    await expect(all(directoryAt(join(top, 'nothing')))).rejects.toMatchObject({ code: 'not-found' })
    fs.writeFileSync(join(top, 'file'), '')
    await expect(all(directoryAt(join(top, 'file')))).rejects.toMatchObject({ code: 'config' })
  })
})
