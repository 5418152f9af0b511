/** Requests and answers over real sockets: what is said, and what is believed. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { collect } from '../../agent/storage/s3/body.ts'
import { patterned } from './contract.ts'
import { faultOf, openPeer, requestTo, type Some, testWire } from './wire-peer.ts'

const most = 1 << 20
const big = patterned(3_000_000)

describe('a request', () => {
  test('goes out with its host, its headers as the bytes that they are, and its length', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    await wire.whole(
      requestTo(peer, { path: '/a%20b?c=d', headers: { 'x-amz-meta-a': '\xc3\xa9 \xff' } }),
      most,
    )
    await wire.whole(requestTo(peer, { method: 'PUT', body: Buffer.from('hello') }), most)
    await wire.whole(requestTo(peer, { method: 'PUT' }), most)
    await wire.whole(
      requestTo(peer, {
        method: 'PUT',
        headers: { host: 'other', 'content-length': '2' },
        body: Buffer.from('hi'),
      }),
      most,
    )
    const host = `host: ${peer.origin.slice(7)}`
    expect(peer.asked.map(({ head }) => head)).toEqual([
      `GET /a%20b?c=d HTTP/1.1\r\n${host}\r\nx-amz-meta-a: \xc3\xa9 \xff`,
      `PUT / HTTP/1.1\r\n${host}\r\ncontent-length: 5`,
      `PUT / HTTP/1.1\r\n${host}\r\ncontent-length: 0`,
      'PUT / HTTP/1.1\r\nhost: other\r\ncontent-length: 2',
    ])
    expect(peer.asked.map(({ body }) => body.toString())).toEqual(['', 'hello', '', 'hi'])
    expect(peer.connections).toBe(1)
  })

  test('that would say something else than it means is never sent', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    const source = Readable.from([Buffer.from('x')], { objectMode: false })
    const wrongs: Some[] = [
      { headers: { a: 'b\r\nc: d' } },
      { headers: { a: 'b\0' } },
      { headers: { a: '\u0100' } },
      { headers: { 'a b': 'c' } },
      { headers: { '': 'c' } },
      { headers: { 'transfer-encoding': 'chunked' } },
      { headers: { connection: 'close' } },
      { path: '/a b' },
      { path: '/\xe9' },
      { path: '/a\r\nb' },
      { path: 'a' },
      { body: source },
      { body: source, headers: { 'content-length': '-1' } },
      { body: Buffer.from('abc'), headers: { 'content-length': '2' } },
    ]
    for (const wrong of wrongs) {
      expect(await faultOf(wire.send(requestTo(peer, wrong)))).toBe('unsayable')
    }
    expect(source.destroyed).toBe(true)
    expect(await faultOf(wire.send(requestTo({ origin: 'nowhere' })))).toBe('ERR_INVALID_URL')
    expect(peer.connections).toBe(0)
  })

  test('of any size is one request, whether its body is a buffer or a stream', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    for (const size of [0, 1, 15_000, 16_384, 100_000, big.length]) {
      const bytes = big.subarray(0, size)
      const headers = { 'content-length': String(size) }
      await wire.whole(requestTo(peer, { method: 'PUT', body: bytes }), most)
      const chunks = Array.from({ length: Math.ceil(size / 10_000) }, (_, i) =>
        bytes.subarray(i * 10_000, (i + 1) * 10_000),
      )
      await wire.send(
        requestTo(peer, { method: 'PUT', headers, body: Readable.from(chunks, { objectMode: false }) }),
      )
    }
    expect(peer.asked).toHaveLength(12)
    for (const { body, length } of peer.asked) expect(body.equals(big.subarray(0, length))).toBe(true)
    expect(peer.connections).toBe(1)
  })
})

describe('an answer', () => {
  test('comes as a stream or as a buffer, its headers when they are asked for', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    peer.respond = (asked) => asked.answer('206 Partial Content', big, 'ETag: "x"\r\nX-Amz-Meta-A: 1\r\n')
    const streamed = await wire.send(requestTo(peer))
    expect(streamed).toMatchObject({ status: 206, sent: 0, headers: { etag: '"x"', 'x-amz-meta-a': '1' } })
    expect((await collect(streamed.body, big.length)).equals(big)).toBe(true)
    const whole = await wire.whole(requestTo(peer), big.length)
    expect(whole.head.get('etag')).toBe('"x"')
    expect(whole.head.get('x-amz-meta-a')).toBe('1')
    expect(whole.body.equals(big)).toBe(true)
    expect(peer.connections).toBe(1)
  })

  test('of more than is wanted is an error, or cut where it refuses', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    const chunked = (status: string, body: string) =>
      `HTTP/1.1 ${status}\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    peer.respond = (asked) => asked.answer('200 OK', '12345678901')
    expect(await faultOf(wire.whole(requestTo(peer), 10))).toBe('body-too-long')
    peer.respond = ({ socket }) => socket.write(chunked('200 OK', '12345678901'))
    expect(await faultOf(wire.whole(requestTo(peer), 10))).toBe('body-too-long')
    expect((await wire.whole(requestTo(peer), 11)).body.toString()).toBe('12345678901')
    peer.respond = (asked) => asked.answer('404 Not Found', '12345678901')
    expect(await wire.whole(requestTo(peer), 10)).toMatchObject({ status: 404 })
    peer.respond = ({ socket }) => socket.write(chunked('404 Not Found', '12345678901'))
    expect(await wire.whole(requestTo(peer), 10)).toMatchObject({ status: 404 })
  })

  test('that refuses is understood though it breaks off or stalls; one of success is not', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { idleMs: 30 } })]
    for (const way of ['end', 'resetAndDestroy', 'uncork'] as const) {
      peer.respond = ({ socket }) =>
        socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\n<Error>', () => socket[way]())
      const refusal = await wire.whole(requestTo(peer), most)
      expect({ status: refusal.status, said: refusal.body.toString() }).toEqual({
        status: 403,
        said: '<Error>',
      })
      peer.respond = ({ socket }) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', () => socket[way]())
      const fault = way === 'uncork' ? /^stalled$/ : /^(?:broken|ECONNRESET)$/
      expect(await faultOf(wire.whole(requestTo(peer), most))).toMatch(fault)
      const { body } = await wire.send(requestTo(peer))
      expect(await faultOf(collect(body, most))).toMatch(fault)
    }
  })

  test('that is no HTTP ends in an error and never holds its connection', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { spareMs: 20 } })]
    for (const nonsense of [
      'SSH-2.0-OpenSSH_9.2\r\n',
      '\x15\x03\x01\x00\x02\x02\x46',
      'HTTP/1.1 200 OK\n\n',
      'HTTP/1.1 200 OK\r\nx\r\n\r\n',
    ]) {
      peer.respond = ({ socket }) => socket.write(nonsense, 'latin1')
      const closed = once(peer, 'closed')
      const waiting = nonsense.includes('\n\n') ? { patience: 30 } : {}
      expect(await faultOf(wire.send(requestTo(peer, waiting)))).toMatch(/malformed|no-head/)
      await closed
    }
    peer.respond = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nfive\r\n')
    const { body } = await wire.send(requestTo(peer))
    expect(await faultOf(collect(body, most))).toBe('malformed')
  })

  test('may be preceded by interim ones', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    peer.respond = async (asked) => {
      asked.socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      await asked.whole
      asked.answer('200 OK', 'yes')
    }
    const put = () => wire.whole(requestTo(peer, { method: 'PUT', body: big }), most)
    expect((await put()).body.toString()).toBe('yes')
    expect((await put()).body.toString()).toBe('yes')
    expect(peer.connections).toBe(1)
  })
})
