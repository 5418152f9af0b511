/** What the wire makes of bytes: whole answers however they are cut up, and nothing of what has been tampered with. */
import { once } from 'node:events'
import { request as reference } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { longestHead } from '../../agent/storage/s3/wire/answer-parser.ts'
import { Head } from '../../agent/storage/s3/wire/head.ts'
import { body, cuts, type Parsed, parse, tampered, valid } from './wire-answers.ts'

fc.configureGlobal({ seed: 1 })

const bytes = (text: string) => Buffer.from(text, 'latin1')
const answer = (text: string, options?: Parameters<typeof parse>[1]) => parse(bytes(text), options)

describe('an answer', () => {
  test('ends where its length says', () => {
    expect(answer('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "x"\r\n\r\nhello')).toEqual({
      status: 200,
      headers: { 'content-length': '5', etag: '"x"' },
      body: 'hello',
      keepAlive: true,
      end: 54,
    })
    expect(answer('HTTP/1.1 200\r\ncontent-length:\t 0 \t\r\n\r\nmore')).toMatchObject({ body: '', end: 38 })
  })

  test('ends with its last chunk, extensions and trailers let through', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n'
    const body = '5\r\nhello\r\n00a;name="value";x\r\n0123456789\r\n0;last\r\nx-checksum: 1\r\nother:\r\n\r\n'
    expect(answer(`${head}${body}HTTP/1.1`)).toMatchObject({
      body: 'hello0123456789',
      keepAlive: true,
      end: head.length + body.length,
    })
  })

  test('has no body where it cannot have one, whatever its head says', () => {
    const length = 'Content-Length: 5\r\n\r\n'
    expect(answer(`HTTP/1.1 200 OK\r\n${length}`, { method: 'HEAD' })).toMatchObject({
      body: '',
      keepAlive: true,
    })
    expect(answer(`HTTP/1.1 304 Not Modified\r\n${length}`)).toMatchObject({ body: '', keepAlive: true })
    expect(answer('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ body: '', keepAlive: true })
    // Which of the two the server means is not to be known: what comes next may be no answer.
    expect(answer(`HTTP/1.1 204 No Content\r\n${length}`)).toMatchObject({ body: '', keepAlive: false })
  })

  test('comes after interim ones, of which there may be some', () => {
    const final = 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx'
    const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'
    expect(answer(interim + final)).toMatchObject({
      status: 200,
      body: 'x',
      headers: { 'content-length': '1' },
    })
    expect(answer(interim.repeat(9) + final)).toBe('malformed')
    expect(answer(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n${final}`)).toBe('malformed')
  })

  test('keeps its connection as its version and its words say', () => {
    const keeps = (version: string, connection: string) =>
      answer(`HTTP/${version} 200 OK\r\ncontent-length: 0\r\n${connection}\r\n`)
    expect(keeps('1.1', '')).toMatchObject({ keepAlive: true })
    expect(keeps('1.1', 'Connection: Close\r\n')).toMatchObject({ keepAlive: false })
    expect(keeps('1.1', 'Connection: x ,close\r\n')).toMatchObject({ keepAlive: false })
    expect(keeps('1.1', 'Connection: x\r\nConnection: close\r\n')).toMatchObject({ keepAlive: false })
    expect(keeps('1.0', '')).toMatchObject({ keepAlive: false })
    expect(keeps('1.0', 'Connection: Keep-Alive\r\n')).toMatchObject({ keepAlive: true })
  })

  test('without any end is a refusal at most', () => {
    expect(answer('HTTP/1.1 502 Bad Gateway\r\n\r\nsorry')).toMatchObject({ body: 'sorry', keepAlive: false })
    expect(answer('HTTP/1.1 200 OK\r\n\r\nhello')).toBe('broken')
  })

  test('that breaks off is broken, wherever that is', () => {
    for (const whole of [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\na: b\r\n\r\n',
    ]) {
      expect(answer(whole)).toMatchObject({ body: 'hello' })
      for (let end = 0; end < whole.length; end++) expect(answer(whole.slice(0, end))).toBe('broken')
    }
  })

  test('may be as long in its head as the bound says, and no longer', () => {
    const head = (length: number) => {
      const [start, end] = ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n', '\r\n\r\nhi']
      let lines = ''
      while (start.length + lines.length + 1100 < length) lines += `x-amz-meta-a: ${'v'.repeat(1000)}\r\n`
      return `${start}${lines}x: ${'v'.repeat(length - start.length - lines.length - 7)}${end}`
    }
    for (const cuts of [[], [100, 40_000], Array.from({ length: 70 }, (_, i) => i * 1000)]) {
      expect(answer(head(longestHead), { cuts })).toMatchObject({ body: 'hi' })
      expect(answer(head(longestHead + 1), { cuts })).toBe('head-too-long')
    }
    expect(answer(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(512)}content-length: 0\r\n\r\n`)).toBe('malformed')
  })
})

test.each(
  [
    ['SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['\x15\x03\x01\x00\x02\x02\x46'],
    ['H\x00'],
    ['HTTP/2 200 OK\r\n\r\n'],
    ['HTTP/1.2 200 OK\r\n\r\n'],
    ['HTTP/1.1  200 OK\r\n\r\n'],
    ['HTTP/1.1 20 OK\r\n\r\n'],
    ['HTTP/1.1 2000 OK\r\n\r\n'],
    ['HTTP/1.1 099 OK\r\n\r\n'],
    ['HTTP/1.1 200 \x00\r\n\r\n'],
    ['\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\n: nameless\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nblank : before the colon\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\na: \x00\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\n\xe9: b\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\nhello'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello'],
    ['HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\nhello'],
    ['HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\nhello'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 9999999999999999\r\n\r\nhello'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ...[
      '\r\n',
      ';\r\n',
      'g\r\n',
      '-5\r\nhello\r\n',
      '5 \r\nhello\r\n',
      '5\nhello\r\n',
      '5\r\nhello!\r\n',
      '5\r\nhello\n0\r\n\r\n',
      '5;\x00\r\nhello\r\n',
      '5\r\nhello\r\n0\r\n\n',
      '5\r\nhello\r\n0\r\n a: b\r\n\r\n',
      '5\r\nhello\r\n0\r\na b\r\n\r\n',
      '5\r\nhello\r\n0\r\na: \x00\r\n\r\n',
      `${'0'.repeat(13)}5\r\nhello\r\n0\r\n\r\n`,
      `5;${'x'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`,
      `0\r\n${'a: b\r\n'.repeat(5000)}\r\n`,
    ].map((body) => [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body}`]),
  ].map(([text = '']) => [text.slice(0, 80), text]),
)('refuses %j', (_, text) => {
  expect(answer(text)).toBe('malformed')
  expect(answer(text, { cuts: Array.from({ length: text.length }, (_, i) => i) })).toBe('malformed')
})

describe('a head', () => {
  const head = new Head(
    'HTTP/1.1 200 OK\r\nETag: "x"\r\nX-Amz-Meta-A: \xc3\xa9 \xff\r\nx-amz-meta-__proto__: p\r\nx-amz-META-a: 2\r\nx-amz-meta: no\r\n__proto__: q\r\n\r\n',
  )

  test('is looked up without regard to case, several of one name joined', () => {
    expect(head.get('etag')).toBe('"x"')
    expect(head.get('x-amz-meta-a')).toBe('\xc3\xa9 \xff, 2')
    expect(head.get('eta')).toBeUndefined()
    expect(head.get('toString')).toBeUndefined()
  })

  test('gives all of them, by any name', () => {
    expect(head.names.map((name, i) => [name, head.valueAt(i)])).toEqual([
      ['etag', '"x"'],
      ['x-amz-meta-a', '\xc3\xa9 \xff'],
      ['x-amz-meta-__proto__', 'p'],
      ['x-amz-meta-a', '2'],
      ['x-amz-meta', 'no'],
      ['__proto__', 'q'],
    ])
    expect(Object.keys(head.object)).toEqual([
      'etag',
      'x-amz-meta-a',
      'x-amz-meta-__proto__',
      'x-amz-meta',
      '__proto__',
    ])
    expect(Object.getPrototypeOf(head.object)).toBe(Object.prototype)
  })
})

test('is the same answer however it is cut into pieces', () => {
  fc.assert(
    fc.property(valid, cuts, body, ({ text, status, headers, body }, cuts, surplus) => {
      const parsed = answer(text + surplus, { cuts })
      expect(parsed).toMatchObject({ status, headers, body })
      expect((parsed as Parsed).end).toBeLessThanOrEqual(text.length)
      const single = answer(text + surplus, {
        cuts: Array.from({ length: text.length + surplus.length }, (_, i) => i),
      })
      expect({ ...(single as Parsed), end: 0 }).toEqual({ ...(parsed as Parsed), end: 0 })
    }),
    { numRuns: 300 },
  )
})

/** What Node's own client makes of the same bytes. */
async function referenceOf(answerBytes: Buffer): Promise<{ status: number; body: string } | null> {
  let sent = false
  const socket = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      done()
      if (!sent) {
        sent = true
        socket.push(answerBytes)
        socket.push(null)
      }
    },
  })
  const asking = reference({ createConnection: () => socket, method: 'GET', path: '/' }).on('error', () => {})
  const answered = once(asking, 'response').then(
    ([response]) => response,
    () => null,
  )
  asking.on('upgrade', () => asking.destroy(new Error('upgraded')))
  asking.end()
  const response = await answered
  if (!response) return null
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk)
  } catch {
    return null
  }
  return { status: response.statusCode, body: Buffer.concat(chunks).toString('latin1') }
}

test('takes no answer that has been tampered with for another than Node does', async () => {
  let taken = 0
  await fc.assert(
    fc.asyncProperty(tampered, cuts, async (changed, cuts) => {
      const parsed = answer(changed, { cuts })
      if (typeof parsed === 'string') return
      taken++
      const whole = bytes(changed).subarray(0, parsed.end)
      const other = await referenceOf(whole)
      // Node is pickier about the words of an extension, which say nothing to either.
      if (other === null && changed.includes(';')) return
      expect(other).toEqual({ status: parsed.status, body: parsed.body })
    }),
    { numRuns: 2000 },
  )
  expect(taken).toBeGreaterThan(100)
})
