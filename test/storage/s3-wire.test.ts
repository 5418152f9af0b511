/**
 * What goes over the wire, and what becomes of answers that no good server gives: raw sockets that say what a test
 * wants them to. Every one of these must end, and end as an error that says what it was.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { collect } from '../../agent/storage/s3/body.ts'
import { faultError } from '../../agent/storage/s3/faults.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import { openWire } from '../../agent/storage/s3/wire/wire.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { everything } from '../../shared/range.ts'
import { bodyOf, bytesOf, failure, listAll, nastyKeys, noMetadata, noSignal, patterned } from './contract.ts'

const text = keyFromText
const etag = '"49f68a5c8493ec2c0bf489821c21fc3b"'
const token = etag.slice(1, -1)
const modified = 'Last-Modified: Fri, 20 Nov 2026 18:48:41 GMT'
const objectHead = (length: number, more = '') =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\nETag: ${etag}\r\n${modified}\r\n${more}\r\n`
const answer = (status: string, body: string, more = '') =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`
const errorBody = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`
const entry = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-20T18:48:41.000Z</LastModified><ETag>&quot;${token}&quot;</ETag><Size>1</Size></Contents>`
const listing = (keys: string[], next: string | null = null) =>
  answer(
    '200 OK',
    `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${next !== null}</IsTruncated>${next === null ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}${keys.map(entry).join('')}</ListBucketResult>`,
  )

interface Heard {
  /** Method, path and query, as they came. */
  line: string
  headers: string
  /** As much of the body as came with the head. */
  body: string
}

let server: Server
let storage: Storage
let heard: Heard[]
/** Called once for each request, when its head has come. */
let respond: (socket: Socket, heard: Heard) => void
const sockets = new Set<Socket>()

const open = (bucket = 'bucket', prefix = '') => {
  const { port } = server.address() as { port: number }
  return openS3Storage(
    {
      kind: 's3',
      bucket,
      prefix,
      endpoint: `http://127.0.0.1:${port}`,
      region: null,
      profile: null,
      site: null,
    },
    { connections: 4 },
  )
}

beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  heard = []
  respond = (socket) => socket.end(answer('500 Unexpected', ''))
  server = createServer((socket) => {
    sockets.add(socket)
    let bytes = ''
    let inBody = 0
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1')
      if (inBody > 0) {
        const taken = Math.min(inBody, bytes.length)
        inBody -= taken
        bytes = bytes.slice(taken)
      }
      const end = bytes.indexOf('\r\n\r\n')
      if (inBody > 0 || end < 0) return
      const [line = '', ...headers] = bytes.slice(0, end).split('\r\n')
      const length = Number(/content-length: (\d+)/.exec(headers.join('\n'))?.[1] ?? 0)
      const body = bytes.slice(end + 4, end + 4 + length)
      inBody = length - body.length
      bytes = bytes.slice(end + 4 + body.length)
      const request = { line: line.replace(/ HTTP\/1\.1$/, ''), headers: headers.join('\n'), body }
      heard.push(request)
      respond(socket, request)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  storage = await open()
})
afterEach(async () => {
  await storage.close()
  for (const socket of sockets) socket.destroy()
  server.close()
  vi.unstubAllEnvs()
})

const read = () => storage.read(text('key'), { signal: noSignal })
const write = (size: number) => storage.write(text('key'), bodyOf(patterned(size)), noMetadata, noSignal)

describe('a request', () => {
  test('names the key by its bytes, each escaped once, and nothing resolved', async () => {
    respond = (socket) => socket.write(answer('404 Not Found', ''))
    const paths: [string, string][] = [
      ['a b+c', '/bucket/a%20b%2Bc'],
      ['/a', '/bucket//a'],
      ['//', '/bucket///'],
      ['a//b', '/bucket/a//b'],
      ['./a/../b/..', '/bucket/./a/../b/..'],
      ['.', '/bucket/.'],
      ['%2F%', '/bucket/%252F%25'],
      ['?a=b#c', '/bucket/%3Fa%3Db%23c'],
      ['\x01\x7f\n', '/bucket/%01%7F%0A'],
      ['é\u{1f469}', '/bucket/%C3%A9%F0%9F%91%A9'],
      ["~-_.!*'()", '/bucket/~-_.%21%2A%27%28%29'],
      ['x'.repeat(1024), `/bucket/${'x'.repeat(1024)}`],
    ]
    for (const [key, path] of paths) {
      heard = []
      expect(await storage.head(text(key), noSignal)).toBeNull()
      expect(heard.map(({ line }) => line)).toEqual([`HEAD ${path}`])
    }
    for (const key of nastyKeys.filter((key) => storage.unsupported(key) === null)) {
      heard = []
      await storage.head(key, noSignal)
      expect(decodeURIComponent(heard[0]!.line.slice('HEAD /bucket/'.length))).toBe(
        Buffer.from(key, 'latin1').toString(),
      )
    }
  })

  test('of a listing starts after a boundary that S3 takes, no greater than the one that is meant', async () => {
    respond = (socket) => socket.write(listing([]))
    const under = await open('bucket', 'dir é/')
    const asked: [string | null, string][] = [
      [null, ''],
      ['', '&start-after=dir%20%C3%A9%2F'],
      ['a+b', '&start-after=dir%20%C3%A9%2Fa%2Bb'],
      ['a\xff', '&start-after=dir%20%C3%A9%2Fa'],
      ['\xc3', '&start-after=dir%20%C3%A9%2F'],
      ['x'.repeat(2000), `&start-after=dir%20%C3%A9%2F${'x'.repeat(1024 - 7)}`],
    ]
    for (const [after, query] of asked) {
      heard = []
      expect(await listAll(under, { after: after as Key | null, through: null })).toEqual([])
      expect(heard.map(({ line }) => line)).toEqual([
        `GET /bucket?encoding-type=url&list-type=2&prefix=dir%20%C3%A9%2F${query}`,
      ])
    }
    await under.close()
  })

  test('carries metadata as the bytes that they are, and no chunking that was', async () => {
    respond = (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: ${etag}\r\n\r\n`)
    const metadata = {
      headers: { 'content-type': 'a/b', 'content-encoding': 'aws-chunked,gzip', expires: '0' },
      user: { name: 'gr\xc3\xbc\xdf' },
    }
    const written = await storage.write(text('key'), bodyOf('hello'), metadata, noSignal)
    expect(written).toEqual({ token, mtime: null })
    const { headers, body } = heard[0]!
    expect(body).toBe('hello')
    expect(headers).toContain('\nx-amz-meta-name: gr\xc3\xbc\xdf\n')
    expect(headers).toContain('\ncontent-encoding: gzip\n')
    expect(headers).toContain('\nexpires: 0\n')
    expect(headers).not.toMatch(/^expect:/im)
    const control = { headers: {}, user: { name: 'a\nb' } }
    expect((await failure(storage.write(text('key'), bodyOf('x'), control, noSignal))).code).toBe(
      'invalid-request',
    )
  })
})

describe('an object', () => {
  test('comes with its metadata byte for byte and its body as it is', async () => {
    const head = objectHead(
      4,
      'Content-Type: x/y\r\nContent-Encoding: aws-chunked, gzip\r\nX-Amz-Meta-A: \xc3\xa9 \xff\r\nX-Amz-Storage-Class: GLACIER_IR\r\n',
    )
    respond = (socket) => socket.write(`${head}\x1f\x8b\xff\x00`, 'latin1')
    const reading = await read()
    expect(reading).toMatchObject({
      entry: { key: 'key', size: 4, token, mtime: Date.UTC(2026, 10, 20, 18, 48, 41) * 1000 },
      metadata: {
        headers: { 'content-type': 'x/y', 'content-encoding': 'gzip' },
        user: { a: '\xc3\xa9 \xff' },
      },
    })
    expect(reading!.entry.storageClass).toBe('GLACIER_IR')
    expect([...(await bytesOf(reading!))]).toEqual([0x1f, 0x8b, 0xff, 0])
  })

  test('whose body breaks off is an error, never a shorter object', async () => {
    for (const way of ['end', 'destroySoon', 'resetAndDestroy'] as const) {
      respond = (socket) => socket.write(`${objectHead(100)}only this`, () => socket[way]())
      const error = await failure(read().then((reading) => reading && bytesOf(reading)))
      expect(error).toMatchObject({ code: 'unreachable', retry: 'now' })
    }
    respond = (socket) =>
      socket.end(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: ${etag}\r\n${modified}\r\n\r\n5\r\nhello\r\n`,
      )
    expect((await failure(read().then((r) => r && bytesOf(r)))).code).toBe('server-error')
  })

  test('that is another one than was asked for is an error', async () => {
    respond = (socket) => socket.write(`${objectHead(2)}hi`)
    const other = storage.read(text('key'), { token: 'another', signal: noSignal })
    expect((await failure(other)).code).toBe('changed')
    const range = storage.read(text('key'), { range: { first: 1, last: 2 }, signal: noSignal })
    expect((await failure(range)).code).toBe('server-error')
    const partial = objectHead(2, 'Content-Range: bytes 5-6/7\r\n').replace('200 OK', '206 Partial Content')
    respond = (socket) => socket.write(`${partial}hi`)
    expect(
      (await failure(storage.read(text('key'), { range: { first: 1, last: 2 }, signal: noSignal }))).code,
    ).toBe('server-error')
    expect((await failure(read())).code).toBe('server-error')
    respond = (socket) => socket.write(answer('416 Range Not Satisfiable', errorBody('InvalidRange')))
    expect(
      (await failure(storage.read(text('key'), { range: { first: 9, last: 9 }, signal: noSignal }))).code,
    ).toBe('changed')
  })

  test('that is longer than it should be is another one', async () => {
    respond = (socket) => socket.write(`${objectHead(100_000)}the beginning of it`)
    const atOnce = storage.read(text('key'), { token, atOnce: 2, signal: noSignal })
    expect((await failure(atOnce)).code).toBe('changed')
  })

  test('without an ETag, a time or a length is an error', async () => {
    for (const missing of [/ETag.*\r\n/, /Last-Modified.*\r\n/, /Content-Length.*\r\n/]) {
      respond = (socket) => socket.end(`${objectHead(2).replace(missing, '')}hi`)
      expect((await failure(read())).code).toBe('server-error')
    }
  })

  test('gives up its connection at once when its body is destroyed', async () => {
    const closed = new Promise<void>((resolve) => {
      respond = (socket) => {
        socket.write(`${objectHead(1000)}only this`)
        socket.on('close', () => resolve())
      }
    })
    const reading = await read()
    reading!.body.destroy()
    await closed
  })
})

describe('a write', () => {
  test('that is refused while its body is on the way ends with the reason', async () => {
    respond = (socket) => socket.write(answer('403 Forbidden', errorBody('AccessDenied')))
    expect(await failure(write(8 << 20))).toMatchObject({ code: 'access-denied', retry: 'never' })
    respond = (socket) => socket.write(answer('503 Slow Down', errorBody('SlowDown'), 'Retry-After: 2\r\n'))
    expect(await failure(write(8 << 20))).toMatchObject({ code: 'throttled', retryAfter: 2000 })
    respond = (socket) =>
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 5000\r\n\r\n<Error><Code>AccessDen')
    expect((await failure(write(100))).code).toBe('access-denied')
  }, 15_000)

  test('that is answered before it is whole has not been done', async () => {
    respond = (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: ${etag}\r\n\r\n`)
    const stalled = new Readable({ read() {} })
    stalled.push(patterned(200_000))
    stalled.push(patterned(200_000))
    const body = { size: 1_000_000, open: async () => stalled }
    expect((await failure(storage.write(text('key'), body, noMetadata, noSignal))).code).toBe('server-error')
    expect(stalled.destroyed).toBe(true)
  })

  test('never sends its last bytes when its source fails at the very end', async () => {
    let sent = 0
    let closed = Promise.resolve()
    const reached = new Promise<void>((resolve) => {
      respond = (socket, { body }) => {
        sent += body.length
        socket.on('data', (chunk) => {
          sent += chunk.length
        })
        closed = new Promise((gone) => socket.on('close', () => gone()))
        resolve()
      }
    })
    const content = patterned(300_000)
    async function* chunks() {
      yield content.subarray(0, 150_000)
      yield content.subarray(150_000)
      await reached
      throw new DrayError('changed', 'read', 'The last look at the source.')
    }
    const source = Readable.from(chunks(), { objectMode: false })
    const body = { size: content.length, open: async () => source }
    const error = await failure(storage.write(text('key'), body, noMetadata, noSignal))
    expect(error.message).toBe('The last look at the source.')
    await closed
    expect(sent).toBeLessThan(content.length)
  })

  test('whose source had failed before is that failure', async () => {
    for (const size of [100, 1 << 20]) {
      const source = new Readable({ read() {} })
      source
        .on('error', () => {})
        .destroy(new DrayError('unreachable', 'read', 'It broke.', { retry: 'now' }))
      const write = () => storage.write(text('key'), { size, open: async () => source }, noMetadata, noSignal)
      expect((await failure(write())).message).toBe('It broke.')
      await new Promise((resolve) => setImmediate(resolve))
      expect((await failure(write())).message).toBe('It broke.')
    }
  })

  test('whose connection is reset is an error', async () => {
    respond = (socket) => socket.resetAndDestroy()
    for (const size of [0, 100, 8 << 20]) {
      expect(await failure(write(size))).toMatchObject({ code: 'unreachable', retry: 'now' })
    }
  })

  test('without an ETag in its answer is an error', async () => {
    respond = (socket) => socket.write(answer('200 OK', ''))
    expect((await failure(write(100))).code).toBe('server-error')
  })
})

describe('a listing', () => {
  const afterFirst = (second: string) => {
    respond = (socket, { line }) =>
      socket.write(line.includes('continuation-token') ? second : listing(['a', 'b'], 'more'))
  }
  const fails = async (code: string) => {
    const seen: string[] = []
    const walk = async () => {
      for await (const page of storage.list(everything, { signal: noSignal }))
        seen.push(...page.map((e) => e.key))
    }
    const error = await failure(walk())
    expect(error.code, error.message).toBe(code)
    return { seen, error }
  }

  test('goes on where it was, to its end', async () => {
    afterFirst(listing(['c']))
    expect((await listAll(storage)).map((e) => e.key)).toEqual(['a', 'b', 'c'])
    expect(heard[1]!.line).toBe('GET /bucket?continuation-token=more&encoding-type=url&list-type=2')
  })

  test('may have pages without a key', async () => {
    afterFirst(listing([], 'more2'))
    const first = respond
    respond = (socket, request) =>
      request.line.includes('more2') ? socket.write(listing(['c'])) : first(socket, request)
    expect((await listAll(storage)).map((e) => e.key)).toEqual(['a', 'b', 'c'])
  })

  test('that repeats itself, goes back, or gets nowhere is an error, never an end', async () => {
    afterFirst(listing(['b', 'c']))
    expect((await fails('server-error')).seen).toEqual(['a', 'b'])
    afterFirst(listing(['A']))
    await fails('unordered')
    afterFirst(listing(['d', 'c']))
    await fails('unordered')
    afterFirst(listing(['c', 'd'], 'more'))
    await fails('server-error')
    afterFirst(listing([], 'more'))
    await fails('server-error')
    respond = (socket) => socket.write(listing([], String(heard.length)))
    await fails('server-error')
    expect(heard.length).toBeLessThan(1100)
  })

  test('that is cut off, or is none, is an error, never an end', async () => {
    const whole = listing(['c', 'd'])
    const body = whole.slice(whole.indexOf('\r\n\r\n') + 4)
    afterFirst(answer('200 OK', body.slice(0, -10)))
    expect((await fails('server-error')).error.retry).toBe('later')
    afterFirst(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length + 5}\r\nConnection: close\r\n\r\n${body}`)
    const cut = respond
    respond = (socket, request) => {
      cut(socket, request)
      if (request.line.includes('continuation-token')) socket.end()
    }
    await fails('unreachable')
    afterFirst(answer('200 OK', ''))
    await fails('server-error')
    afterFirst(answer('200 OK', errorBody('InternalError')))
    await fails('server-error')
    afterFirst(answer('200 OK', body.replace('<IsTruncated>false</IsTruncated>', '')))
    await fails('server-error')
    afterFirst('HTTP/1.1 204 No Content\r\n\r\n')
    await fails('server-error')
  })

  test('with keys from before or beside what was asked for is an error', async () => {
    respond = (socket) => socket.write(listing(['a', 'b']))
    const range = { after: text('b'), through: null }
    expect((await failure(listAll(storage, range))).code).toBe('server-error')
    const under = await open('bucket', 'p/')
    expect((await failure(listAll(under))).code).toBe('server-error')
    await under.close()
  })

  test('of what is no S3 server says so', async () => {
    for (const [status, body] of [
      ['200 OK', '<!DOCTYPE html><html><body>Welcome</body></html>'],
      ['200 OK', 'It works!'],
      ['404 Not Found', '<html><body>404</body></html>'],
      ['400 Bad Request', 'Client sent an HTTP request to an HTTPS server.\n'],
      ['302 Found', 'see there'],
    ] as const) {
      respond = (socket) => socket.write(answer(status, body, 'Location: http://127.0.0.1:9/\r\n'))
      const { error } = await fails('protocol')
      expect(error.message).toMatch(
        /^http:\/\/127\.0\.0\.1:\d+ does not answer like an S3 server \(status \d+\)\.$/,
      )
      expect(error.hint).toMatch(/Check the endpoint/)
    }
    respond = (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n')
    await fails('protocol')
    respond = (socket) => socket.write('\x15\x03\x01\x00\x02\x02\x46')
    await fails('protocol')
    respond = (socket) => socket.end()
    await fails('unreachable')
  })

  test('that is left asks for nothing more', async () => {
    const closed = new Promise<void>((resolve) => {
      respond = (socket, { line }) => {
        if (!line.includes('continuation-token')) socket.write(listing(['a', 'b'], 'more'))
        else socket.on('close', () => resolve())
      }
    })
    for await (const page of storage.list(everything, { signal: noSignal })) {
      expect(page).toHaveLength(2)
      await vi.waitFor(() => expect(heard).toHaveLength(2))
      break
    }
    await closed
  })
})

describe('a server that says nothing', () => {
  test('is given up after a while, before its answer and within', async () => {
    const http = openWire({ connections: 1, bodyIdleMs: 50 })
    const place = { op: 'GET s3://bucket/key', bucket: 'bucket', endpoint: 'http://here', region: 'r' }
    const { port } = server.address() as { port: number }
    const send = () =>
      http.send({
        origin: `http://127.0.0.1:${port}`,
        method: 'GET',
        path: '/',
        headers: {},
        body: null,
        signal: noSignal,
        patience: 50,
        fault: (error) => faultError(place, error),
      })
    respond = () => {}
    expect(await failure(send())).toMatchObject({
      code: 'timeout',
      retry: 'now',
      message: 'http://here was silent for too long.',
    })
    respond = (socket) => socket.write(`${objectHead(100)}only this`)
    const { body } = await send()
    expect((await failure(collect(body, 1000))).code).toBe('timeout')
    await http.close()
  })

  test('does not hold up an abort, in any state of a request', async () => {
    respond = () => {}
    for (const act of [
      (signal: AbortSignal) => storage.head(text('key'), signal),
      (signal: AbortSignal) => storage.write(text('key'), bodyOf(patterned(8 << 20)), noMetadata, signal),
      (signal: AbortSignal) => storage.delete(text('key'), { signal }),
      (signal: AbortSignal) => storage.multipart!.create(text('key'), noMetadata, signal),
      async (signal: AbortSignal) => {
        for await (const _ of storage.list(everything, { signal }));
      },
    ]) {
      const controller = new AbortController()
      const before = heard.length
      const failing = failure(Promise.resolve(act(controller.signal)))
      await vi.waitFor(() => expect(heard.length).toBe(before + 1))
      controller.abort()
      expect((await failing).code).toBe('interrupted')
    }
    // As many requests as there are connections, and one that waits for one of them.
    const controller = new AbortController()
    const waiting = Array.from({ length: 5 }, () => failure(storage.head(text('key'), controller.signal)))
    controller.abort()
    for (const error of await Promise.all(waiting)) expect(error.code).toBe('interrupted')
  })
})

describe('a closed port', () => {
  test('is unreachable, in a sentence that names it', async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    const error = await failure(listAll(storage))
    expect(error.code).toBe('unreachable')
    expect(error.retry).toBe('later')
    expect(error.message).toMatch(/^Nothing listens at http:\/\/127\.0\.0\.1:\d+\.$/)
  })
})
