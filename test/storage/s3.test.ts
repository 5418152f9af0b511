/** The S3 adapter on the server of this repository. What only a real server can show is in test/s3. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import { keyFromText } from '../../shared/key.ts'
import type { S3Location } from '../../shared/location.ts'
import {
  bodyOf,
  bytesOf,
  describeStorage,
  failure,
  listAll,
  noMetadata,
  noSignal,
  patterned,
  put,
} from './contract.ts'

const text = keyFromText
let server: S3Server
let buckets = 0

const open = (bucket: string, other: Partial<S3Location> = {}) =>
  openS3Storage(
    {
      kind: 's3',
      bucket,
      prefix: '',
      endpoint: server.url.href,
      region: null,
      profile: null,
      site: null,
      ...other,
    },
    { connections: 16 },
  )

const newBucket = () => {
  const name = `bucket-${++buckets}`
  server.createBucket(name)
  return name
}

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  server = await startS3Server({ credentials: { AKIDTEST: 'secret of the test' } })
})
afterAll(async () => {
  await server.stop()
  vi.unstubAllEnvs()
})

for (const prefix of ['', 'a folder/with ünicode+%/']) {
  describeStorage(`S3 storage under the prefix "${prefix}"`, async () => {
    const bucket = newBucket()
    return {
      storage: await open(bucket, { prefix }),
      leftovers: async () => server.uploads(bucket).map((upload) => upload.key),
      cleanup: () => {},
    }
  })
}

describe('S3 storage', () => {
  test('an object whose key is the prefix itself has the empty key', async () => {
    const bucket = newBucket()
    for (const key of ['photos', 'photos/', 'photos/a', 'photos0', 'photos2/b'])
      await server.put(bucket, key, key)
    const storage = await open(bucket, { prefix: 'photos/' })
    const keys = async (after: string | null) =>
      (await listAll(storage, { after: after === null ? null : text(after), through: null })).map(
        (e) => e.key,
      )
    expect(await keys(null)).toEqual(['', 'a'])
    expect(await keys('')).toEqual(['a'])
    expect((await storage.head(text(''), noSignal))!.entry).toMatchObject({ key: '', size: 7 })
    expect((await listAll(storage, { after: null, through: text('') })).map((e) => e.key)).toEqual([''])
    await storage.close()
  })

  test('asks for a page while the one before is used, and for none beyond the range', async () => {
    const bucket = newBucket()
    server.fill(bucket, { count: 3500, key: (i) => `k${String(i).padStart(5, '0')}`, size: 1 })
    const storage = await open(bucket)
    const asked = () => server.requests.count('ListObjectsV2')
    const before = asked()
    const range = { after: text('k00099'), through: text('k01500') }
    const pages = storage.list(range, { signal: noSignal })[Symbol.asyncIterator]()
    const first = await pages.next()
    expect(first.value).toHaveLength(1000)
    await vi.waitFor(() => expect(asked() - before).toBe(2))
    expect((await pages.next()).value).toHaveLength(401)
    expect((await pages.next()).done).toBe(true)
    expect(asked() - before).toBe(2)
    await storage.close()
  })

  test('tells what is wrong with a location in a sentence and by its code', async () => {
    const bucket = newBucket()
    const said = async (storage: ReturnType<typeof open>) => {
      const opened = await storage
      const { code, retry, message, hint } = await failure(listAll(opened))
      await opened.close()
      return { code, retry, message, hint }
    }
    const endpoint = server.url.origin
    expect(await said(open('no-such-bucket'))).toMatchObject({
      code: 'no-such-bucket',
      retry: 'never',
      message: `There is no bucket "no-such-bucket" at ${endpoint}.`,
    })
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another')
    expect(await said(open(bucket))).toMatchObject({ code: 'bad-credentials', retry: 'never' })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'NOBODY')
    expect((await said(open(bucket))).message).toBe(
      `${endpoint} does not know the access key that was used for bucket "${bucket}".`,
    )
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
    expect(await said(open(bucket, { region: 'mars-north-1' }))).toEqual({
      code: 'wrong-region',
      retry: 'never',
      message: `Bucket "${bucket}" is in region us-east-1, not in mars-north-1.`,
      hint: 'Give region us-east-1 for this location (--source-region or --destination-region).',
    })
  })

  test('follows the region that the server names, unless the location names another', async () => {
    const elsewhere = await startS3Server({
      credentials: { AKIDTEST: 'secret of the test' },
      region: 'eu-central-9',
    })
    elsewhere.createBucket('there')
    const endpoint = elsewhere.url.href
    const storage = await open('there', { endpoint })
    await put(storage, 'first', 'x').catch((error) =>
      expect(error).toMatchObject({ code: 'wrong-region', retry: 'now' }),
    )
    await put(storage, 'key', 'x')
    expect(await listAll(storage)).toHaveLength(1)
    await storage.close()
    const another = await open('there', { endpoint })
    expect(await Promise.all([1, 2, 3].map(() => listAll(another)))).toHaveLength(3)
    await another.close()
    await elsewhere.stop()
  })

  test('a clock that is wrong is corrected, and said where that does not help', async () => {
    let skew = 3 * 3_600_000
    const late = await startS3Server({
      credentials: { AKIDTEST: 'secret of the test' },
      now: () => Date.now() + skew,
    })
    late.createBucket('late')
    const storage = await open('late', { endpoint: late.url.href })
    const atOnce = await Promise.all([1, 2, 3, 4].map(() => listAll(storage)))
    expect(atOnce).toEqual([[], [], [], []])
    expect((await put(storage, 'key', 'x')).token).toHaveLength(32)
    expect(await storage.head(text('key'), noSignal)).not.toBeNull()
    skew = -3_600_000
    const error = await failure(put(storage, 'key', 'x'))
    expect(error).toMatchObject({ code: 'clock-skew', retry: 'now' })
    expect(error.message).toMatch(/^This machine's clock is 60 minutes ahead of that of http/)
    expect((await put(storage, 'key', 'x')).token).toHaveLength(32)
    await storage.close()
    await late.stop()
  })

  test('a session that has expired is renewed by who gave it', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'dray-session-'))
    const helper = `n=$(cat ${dir}/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > ${dir}/n; echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"AKIDTEST\\",\\"SecretAccessKey\\":\\"secret of the test\\",\\"SessionToken\\":\\"t$n\\"}"`
    await writeFile(join(dir, 'helper.sh'), helper)
    await writeFile(join(dir, 'config'), `[profile session]\ncredential_process = sh ${dir}/helper.sh\n`)
    vi.stubEnv('AWS_CONFIG_FILE', join(dir, 'config'))
    const sessionTokens = { AKIDTEST: '' }
    const credentials = { AKIDTEST: 'secret of the test' }
    const strict = await startS3Server({ credentials, sessionTokens })
    strict.createBucket('sessions')
    const expired = new Set(['t1'])
    strict.hooks = {
      beforeRequest: ({ headers }) => {
        sessionTokens.AKIDTEST = headers.get('x-amz-security-token') ?? ''
        return expired.has(sessionTokens.AKIDTEST) ? { status: 400, code: 'ExpiredToken' } : null
      },
    }
    const storage = await open('sessions', { endpoint: strict.url.href, profile: 'session' })
    expect(await failure(put(storage, 'key', 'x'))).toMatchObject({ code: 'bad-credentials', retry: 'now' })
    expect((await put(storage, 'key', 'x')).token).toHaveLength(32)
    expired.add('t2')
    expect(await Promise.all([1, 2, 3].map(() => listAll(storage)))).toHaveLength(3)
    for (let i = 0; i < 20; i++) expired.add(`t${i}`)
    expect((await failure(listAll(storage))).code).toBe('bad-credentials')
    await storage.close()
    await strict.stop()
    vi.stubEnv('AWS_CONFIG_FILE', undefined)
    await rm(dir, { recursive: true })
  })

  test('a refusal becomes its meaning, with the wait that the server asks for', async () => {
    const bucket = newBucket()
    const storage = await open(bucket)
    await put(storage, 'key', 'x')
    const refuse = async (status: number, code: string, act: () => Promise<unknown>, headers = {}) => {
      server.hooks = { beforeRequest: () => ({ status, code, headers }) }
      const error = await failure(act())
      server.hooks = {}
      return error
    }
    const read = () => storage.read(text('key'), { signal: noSignal })
    expect(await refuse(503, 'SlowDown', read, { 'retry-after': '3' })).toMatchObject({
      code: 'throttled',
      retry: 'later',
      retryAfter: 3000,
    })
    expect(await refuse(500, 'InternalError', () => listAll(storage))).toMatchObject({
      code: 'server-error',
      retry: 'later',
    })
    expect(await refuse(403, 'InvalidObjectState', read)).toMatchObject({ code: 'archived', retry: 'never' })
    expect(await refuse(403, 'AccessDenied', () => storage.head(text('key'), noSignal))).toMatchObject({
      code: 'access-denied',
    })
    expect(await refuse(403, 'AccessDenied', () => put(storage, 'key', 'y'))).toMatchObject({
      code: 'access-denied',
      hint: 'The credentials are known but may not do this: s3:PutObject is needed.',
    })
    await storage.close()
  })

  test('an error inside an answer of success is an error', async () => {
    const bucket = newBucket()
    const storage = await open(bucket)
    const multipart = storage.multipart!
    const upload = await multipart.create(text('key'), noMetadata, noSignal)
    const part = await multipart.part(text('key'), upload, 1, bodyOf('x'), noSignal)
    server.hooks = {
      beforeRequest: ({ operation }) =>
        operation === 'CompleteMultipartUpload' ? { insideOk: 'InternalError' } : null,
    }
    const error = await failure(multipart.complete(text('key'), upload, [part], noSignal))
    expect(error).toMatchObject({ code: 'server-error', retry: 'later' })
    server.hooks = {}
    expect((await multipart.complete(text('key'), upload, [part], noSignal)).token).toMatch(
      /^[0-9a-f]{32}-1$/,
    )
    expect((await failure(multipart.complete(text('key'), upload, [part], noSignal))).code).toBe('not-found')
    await storage.close()
  })

  test('a page of a listing that breaks off is an error, not an end', async () => {
    const bucket = newBucket()
    server.fill(bucket, { count: 1500, key: (i) => `k${String(i).padStart(5, '0')}`, size: 1 })
    const storage = await open(bucket)
    server.hooks = {
      beforeRequest: ({ query }) => (query.has('continuation-token') ? { truncateAfter: 20_000 } : null),
    }
    const seen: string[] = []
    const walk = async () => {
      for await (const page of storage.list({ after: null, through: null }, { signal: noSignal })) {
        seen.push(...page.map((entry) => entry.key))
      }
    }
    expect(await failure(walk())).toMatchObject({ code: 'unreachable', retry: 'now' })
    expect(seen).toHaveLength(1000)
    server.hooks = {}
    await storage.close()
  })

  test('a body that breaks off is an error, and so is one of another object', async () => {
    const bucket = newBucket()
    const storage = await open(bucket)
    const { token } = await put(storage, 'key', patterned(1 << 20))
    server.hooks = { beforeRequest: () => ({ truncateAfter: 300_000 }) }
    const reading = await storage.read(text('key'), { token, signal: noSignal })
    expect(await failure(bytesOf(reading!))).toMatchObject({ code: 'unreachable', retry: 'now' })
    server.hooks = {}
    await storage.close()
  })

  test('a write whose answer is lost is an error', async () => {
    const bucket = newBucket()
    const storage = await open(bucket)
    for (const size of [10, 1 << 20]) {
      server.hooks = { beforeRequest: () => 'drop-answer' }
      expect(await failure(put(storage, 'key', patterned(size)))).toMatchObject({
        code: 'unreachable',
        retry: 'now',
      })
      server.hooks = { beforeRequest: () => 'drop' }
      expect(await failure(put(storage, 'key', patterned(size)))).toMatchObject({ code: 'unreachable' })
    }
    server.hooks = {}
    await storage.close()
  })

  test('tokens are no MD5 once an object turns out to be encrypted with a key of KMS', async () => {
    const bucket = newBucket()
    await server.put(bucket, 'key', 'x', { headers: { 'x-amz-server-side-encryption': 'aws:kms' } })
    const storage = await open(bucket)
    expect(storage.tokens).toBe('md5')
    await storage.head(text('key'), noSignal)
    expect(storage.tokens).toBe('none')
    await storage.close()
  })

  test('refuses keys that S3 cannot have before it asks, and finds nothing under them', async () => {
    const storage = await open(newBucket(), { prefix: 'p/' })
    const long = text('x'.repeat(1023))
    expect(storage.unsupported(long)).toBe('S3 keys have at most 1024 bytes, this one has 1025.')
    expect(storage.unsupported(text('x'.repeat(1022)))).toBeNull()
    expect(await storage.head(long, noSignal)).toBeNull()
    expect(await storage.read(long, { signal: noSignal })).toBeNull()
    expect(await storage.delete(long, { signal: noSignal })).toBe(false)
    await storage.close()
    const whole = await open(newBucket())
    expect(whole.unsupported(text(''))).toMatch(/^The key is empty /)
    expect(await whole.head(text(''), noSignal)).toBeNull()
    await whole.close()
  })

  test('speaks TLS to whom the certificates of AWS_CA_BUNDLE vouch for, and to nobody else', async () => {
    const bucket = newBucket()
    const pem = new URL('../support/localhost.pem', import.meta.url)
    const certificate = await readFile(pem)
    const front = createTlsServer({ key: certificate, cert: certificate }, (socket) => {
      const back = connect(Number(server.url.port), '127.0.0.1')
      socket.on('error', () => back.destroy()).on('close', () => back.destroy())
      back.on('error', () => socket.destroy()).on('close', () => socket.destroy())
      socket.pipe(back).pipe(socket)
    }).listen(0, '127.0.0.1')
    front.on('tlsClientError', () => {})
    await once(front, 'listening')
    const endpoint = `https://localhost:${(front.address() as AddressInfo).port}`

    const wary = await open(bucket, { endpoint })
    const error = await failure(listAll(wary))
    expect(error).toMatchObject({ code: 'unreachable', retry: 'never' })
    expect(error.hint).toContain('AWS_CA_BUNDLE')
    await wary.close()

    vi.stubEnv('AWS_CA_BUNDLE', fileURLToPath(pem))
    const storage = await open(bucket, { endpoint })
    const bodies = [1, 2, 3, 4].map((seed) => patterned(3_000_000 + seed, seed))
    await Promise.all(bodies.map((body, i) => put(storage, `key${i}`, body)))
    expect(await listAll(storage)).toHaveLength(4)
    for (const [i, body] of bodies.entries()) {
      const reading = await storage.read(text(`key${i}`), { signal: noSignal })
      // A reader that is slower than the connection.
      const chunks: Buffer[] = []
      for await (const chunk of reading!.body) {
        chunks.push(chunk)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(body.equals(Buffer.concat(chunks))).toBe(true)
    }
    await storage.close()
    vi.stubEnv('AWS_CA_BUNDLE', '/nowhere/at/all.pem')
    expect((await failure(open(bucket, { endpoint }))).code).toBe('config')
    vi.stubEnv('AWS_CA_BUNDLE', undefined)
    front.close()
  })

  test('what is under way when it is closed ends as interrupted', async () => {
    const storage = await open(newBucket())
    const asked = new Promise<void>((resolve) => {
      server.hooks = {
        beforeRequest: () => {
          resolve()
          return 'stall'
        },
      }
    })
    const head = failure(storage.head(text('key'), noSignal))
    await asked
    await storage.close()
    expect((await head).code).toBe('interrupted')
    server.hooks = {}
  })
})
