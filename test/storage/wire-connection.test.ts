/** Connections: which are used again, how many there are, what ends them. */
import { getEventListeners, once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { collect } from '../../agent/storage/s3/body.ts'
import { Aborted } from '../../agent/storage/s3/http.ts'
import { patterned } from './contract.ts'
import { type Asked, faultOf, openPeer, requestTo, type Some, testWire } from './wire-peer.ts'

const most = 1 << 20

describe('a connection', () => {
  const connectionsOf = (asked: Asked[]) => asked.map(({ connection }) => connection)

  test('is used again where nothing is left to doubt', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    const answers = [
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n',
      'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n',
    ]
    for (const answer of answers) {
      peer.respond = ({ socket }) => socket.write(answer)
      await wire.whole(requestTo(peer), most)
      const { body } = await wire.send(requestTo(peer))
      await collect(body, most)
    }
    peer.respond = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n')
    expect((await wire.whole(requestTo(peer, { method: 'HEAD' }), most)).head.get('content-length')).toBe('5')
    await wire.whole(requestTo(peer, { method: 'HEAD' }), most)
    expect(peer.connections).toBe(1)
  })

  test('is not used again where the answer does not end where it should, or the server says so', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    const answers = [
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello',
      'HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello!',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\r\n',
    ]
    for (const answer of answers) {
      peer.respond = ({ socket }) => socket.write(answer)
      const closed = once(peer, 'closed')
      expect((await wire.whole(requestTo(peer), most)).body.toString()).toBe('hello')
      await closed
    }
    expect(connectionsOf(peer.asked)).toEqual([0, 1, 2, 3, 4])
  })

  test('that says something while nobody asks is ended', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    await wire.whole(requestTo(peer), most)
    const closed = once(peer, 'closed')
    for (const socket of peer.sockets)
      socket.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n')
    await closed
    expect((await wire.whole(requestTo(peer), most)).status).toBe(200)
    expect(connectionsOf(peer.asked)).toEqual([0, 1])
  })

  test('that the server has left is not the request’s fault, where it can be sent twice', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
      const [peer, wire] = [await openPeer(), testWire()]
      peer.respond = (asked) => {
        if (asked.connection === 0 && peer.asked.length > 1) asked.socket.resetAndDestroy()
        else void asked.whole.then(() => asked.answer('200 OK'))
      }
      const body = method === 'PUT' ? Buffer.from('hello') : null
      await wire.whole(requestTo(peer), most)
      expect((await wire.whole(requestTo(peer, { method, body }), most)).status).toBe(200)
      expect(connectionsOf(peer.asked)).toEqual([0, 0, 1])
      expect(peer.asked[2]!.body.toString()).toBe(body ? 'hello' : '')
    }
  })

  test('that the server has left is an error for what cannot be sent twice, or was just begun', async () => {
    const left = async (more: Some) => {
      const [peer, wire] = [await openPeer(), testWire()]
      peer.respond = (asked) => (peer.asked.length > 1 ? asked.socket.end() : asked.answer('200 OK'))
      await wire.whole(requestTo(peer), most)
      const fault = await faultOf(wire.send(requestTo(peer, more)))
      return [fault, peer.asked.length]
    }
    expect(await left({ method: 'POST' })).toEqual(['broken', 2])
    expect(await left({ method: 'PUT', headers: { 'if-none-match': '*' } })).toEqual(['broken', 2])
    expect(await left({ method: 'DELETE', headers: { 'if-match': '"x"' } })).toEqual(['broken', 2])
    const body = Readable.from([Buffer.from('x')], { objectMode: false })
    expect(await left({ method: 'PUT', headers: { 'content-length': '1' }, body })).toEqual(['broken', 2])
    // The new connection is closed before its answer too.
    expect(await left({})).toEqual(['broken', 3])
    const [peer, wire] = [await openPeer(), testWire()]
    peer.respond = ({ socket }) => socket.end()
    expect(await faultOf(wire.send(requestTo(peer)))).toBe('broken')
    peer.respond = (asked) => {
      if (peer.asked.length > 2) asked.socket.end('HTTP/1.1 2')
      else asked.answer('200 OK')
    }
    await wire.whole(requestTo(peer), most)
    expect(await faultOf(wire.whole(requestTo(peer), most))).toBe('broken')
    expect(peer.asked).toHaveLength(3)
  })

  test('that nobody uses is closed after a while', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { spareMs: 20 } })]
    await Promise.all([1, 2, 3].map(() => wire.whole(requestTo(peer), most)))
    expect(peer.connections).toBe(3)
    while (peer.sockets.size > 0) await once(peer, 'closed')
    expect(wire.connections).toBe(0)
    await wire.whole(requestTo(peer), most)
    expect(peer.connections).toBe(4)
  })

  test('is one of few, and whoever asked first is served first', async () => {
    for (const connections of [1, 3]) {
      const [peer, wire] = [await openPeer(), testWire({ connections })]
      let mostOpen = 0
      peer.on('asked', () => {
        mostOpen = Math.max(mostOpen, wire.connections)
      })
      peer.respond = (asked) =>
        setImmediate(() =>
          asked.answer('200 OK', asked.line, asked.line.endsWith('7') ? 'connection: close\r\n' : ''),
        )
      const served = Array.from({ length: 50 }, (_, i) =>
        wire.whole(requestTo(peer, { path: `/${i}` }), most),
      )
      const lines = (await Promise.all(served)).map(({ body }) => body.toString())
      expect(lines).toEqual(Array.from({ length: 50 }, (_, i) => `GET /${i}`))
      // Which of two connections the server hears first is its own business.
      if (connections === 1) expect(peer.asked.map(({ line }) => line)).toEqual(lines)
      expect(mostOpen).toBe(connections)
    }
  })

  test('to an IPv6 address is made as well', async ({ skip }) => {
    const peer = await openPeer(undefined, '::1').catch(() => skip('no IPv6 here'))
    expect(peer.origin).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect((await testWire().whole(requestTo(peer), most)).status).toBe(200)
    expect(peer.asked[0]!.head).toContain(`host: ${peer.origin.slice(7)}`)
  })
})

describe('a wire', () => {
  test('that is closed ends what is under way and what waits, and leaves nothing open', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length
    const peer = await openPeer()
    const wire = testWire({ connections: 2 })
    peer.respond = () => {}
    const faults = [1, 2, 3, 4].map(() => faultOf(wire.send(requestTo(peer))))
    while (peer.asked.length < 2) await once(peer, 'asked')
    await wire.close()
    expect(await Promise.all(faults)).toEqual(['closed', 'closed', 'closed', 'closed'])
    expect(await faultOf(wire.send(requestTo(peer)))).toBe('closed')
    expect(wire.connections).toBe(0)
    while (peer.sockets.size > 0) await once(peer, 'closed')
    await peer.close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(
      process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length,
    ).toBeLessThanOrEqual(before)
  })

  test('gives up a request in any of its states when its signal aborts', async () => {
    const peer = await openPeer()
    const wire = testWire({ connections: 1 })
    const aborted = (error: unknown) => expect(error).toBeInstanceOf(Aborted)
    const begin = (more: Some = {}) => {
      const controller = new AbortController()
      return { controller, response: wire.send(requestTo(peer, { ...more, signal: controller.signal })) }
    }
    // Before it begins; while a connection is made for it; while it waits for one.
    aborted(await wire.send(requestTo(peer, { signal: AbortSignal.abort() })).catch((error) => error))
    const dialling = begin()
    dialling.controller.abort()
    aborted(await dialling.response.catch((error) => error))
    peer.respond = () => {}
    const waiting = begin()
    while (peer.asked.length < 1) await once(peer, 'asked')
    const queued = begin()
    queued.controller.abort()
    aborted(await queued.response.catch((error) => error))
    // While it waits for its answer.
    const closed = once(peer, 'closed')
    waiting.controller.abort()
    aborted(await waiting.response.catch((error) => error))
    await closed
    // While its body is sent.
    const source = new Readable({ read() {} })
    source.push(patterned(10_000))
    const sending = begin({ method: 'PUT', headers: { 'content-length': '20000' }, body: source })
    await once(peer, 'asked')
    sending.controller.abort()
    aborted(await sending.response.catch((error) => error))
    expect(source.destroyed).toBe(true)
    // While its answer's body is read, and before anybody reads it.
    for (const read of [true, false]) {
      peer.respond = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
      const reading = begin()
      const { body } = await reading.response
      const gone = once(peer, 'closed')
      if (read) body.resume()
      const failing = once(body, 'error')
      reading.controller.abort()
      aborted((await failing)[0])
      await gone
    }
    // After its end, it no longer matters.
    peer.respond = (asked) => asked.answer('200 OK', 'all')
    const done = begin()
    const { body } = await done.response
    done.controller.abort()
    expect((await collect(body, most)).toString()).toBe('all')
  })

  test('listens to a signal only while it has something to do with it', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { spareMs: 20 } })]
    const { signal } = new AbortController()
    const asks = Array.from({ length: 20 }, () => wire.whole(requestTo(peer, { signal }), most))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await Promise.all(asks)
    while (peer.sockets.size > 0) await once(peer, 'closed')
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('gives up the connection of a body that is destroyed before its end, and of no other', async () => {
    const peer = await openPeer()
    const wire = testWire({ connections: 1 })
    peer.respond = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
    const first = await wire.send(requestTo(peer))
    const closed = once(peer, 'closed')
    first.body.destroy()
    await closed
    peer.respond = (asked) => asked.answer('200 OK', 'all of it')
    const second = await wire.send(requestTo(peer))
    second.body.destroy()
    expect((await wire.whole(requestTo(peer), most)).body.toString()).toBe('all of it')
    expect(peer.connections).toBe(2)
  })
})
