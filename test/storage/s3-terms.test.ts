/** A public bucket without credentials, and one whose readers pay. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { keyFromText } from '../../shared/key.ts'
import type { S3Location } from '../../shared/location.ts'
import { failure, get, listAll, noMetadata, noSignal } from './contract.ts'

let server: S3Server
const opened: Storage[] = []

async function open(bucket: string, terms: Partial<S3Location> = {}): Promise<Storage> {
  const location = { kind: 's3', bucket, prefix: '', endpoint: server.url.href, region: null } as const
  const storage = await openS3Storage(
    { ...location, profile: null, site: null, ...terms },
    { connections: 4 },
  )
  opened.push(storage)
  return storage
}

const withCredentials = () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
}

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  server = await startS3Server({ credentials: { AKIDTEST: 'secret of the test' } })
  server.createBucket('public', { isPublic: true })
  server.createBucket('private')
  server.createBucket('dear', { requesterPays: true })
  server.createBucket('mine')
  for (const bucket of ['public', 'private', 'dear']) await server.put(bucket, 'key', 'content')
})
afterAll(async () => {
  await Promise.all(opened.map((storage) => storage.close()))
  await server.stop()
  vi.unstubAllEnvs()
})

describe('anonymously', () => {
  test('a public bucket is read where there are no credentials at all', async () => {
    const storage = await open('public', { anonymous: true })
    expect((await listAll(storage)).map(({ key }) => key)).toEqual(['key'])
    expect((await get(storage, 'key'))?.toString()).toBe('content')
    expect((await storage.head(keyFromText('key'), noSignal))?.entry.size).toBe(7)
  })

  test('a private bucket says what is wrong', async () => {
    const storage = await open('private', { anonymous: true })
    for (const act of [() => listAll(storage), () => storage.head(keyFromText('key'), noSignal)]) {
      const error = await failure(act())
      expect(error).toMatchObject({ code: 'access-denied', retry: 'never' })
      expect(error.hint).toContain('--source-anonymous')
    }
  })
})

describe('of a bucket whose readers pay', () => {
  test('nothing is given to who does not say that he does, and the option is named', async () => {
    withCredentials()
    const storage = await open('dear')
    const key = keyFromText('key')
    for (const act of [
      () => listAll(storage),
      () => storage.head(key, noSignal),
      () => storage.read(key, { signal: noSignal }),
    ]) {
      const error = await failure(act() as Promise<unknown>)
      expect(error.code).toBe('access-denied')
      expect(error.hint).toContain('--source-requester-pays')
    }
  })

  test('everything is, to who says so, a copy by the store too', async () => {
    withCredentials()
    const storage = await open('dear', { requesterPays: true })
    expect((await listAll(storage)).map(({ key }) => key)).toEqual(['key'])
    const reading = await storage.read(keyFromText('key'), { signal: noSignal })
    reading?.body.destroy()
    const mine = await open('mine')
    expect(storage.place?.store).toBe(mine.place?.store)
    const origin = { place: storage.place!, key: keyFromText('key'), token: reading!.entry.token }
    await mine.copyFrom!.whole(origin, keyFromText('copy'), noMetadata, noSignal)
    expect((await get(mine, 'copy'))?.toString()).toBe('content')
  })
})
