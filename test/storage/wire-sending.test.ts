/** Bodies of requests that do not go as they should, and sides that do not move: nothing is half stored, and nothing hangs. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { collect } from '../../agent/storage/s3/body.ts'
import { patterned } from './contract.ts'
import { faultOf, openPeer, pem, putTo, requestTo, testWire } from './wire-peer.ts'

const most = 1 << 20
/** Gives 64 KiB whenever it is asked, without end. */
const endless = () => {
  const piece = patterned(65_536)
  return new Readable({
    read() {
      this.push(piece)
    },
  })
}

describe('an answer before the whole request', () => {
  test('is seen at once, and the rest is not sent', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    for (const status of ['403 Forbidden', '200 OK']) {
      peer.respond = (asked) => asked.answer(status, 'why')
      const source = endless()
      const closed = once(peer, 'closed')
      const response = await wire.send(putTo(peer, source, 1 << 30))
      expect(response.status).toBe(Number(status.slice(0, 3)))
      expect(response.sent).toBeLessThan(1 << 30)
      expect(source.destroyed).toBe(true)
      expect((await collect(response.body, most)).toString()).toBe('why')
      await closed
    }
  })

  test('stops the source when its head has come, and never leaves the connection to another', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    const finish = Promise.withResolvers<void>()
    peer.respond = async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n')
      await finish.promise
      socket.write('why')
    }
    // All that it ever gives has been sent: only that it is not whole tells that the server answered too early.
    const source = new Readable({ read() {} })
    source.push(patterned(10_000))
    const response = await wire.send(putTo(peer, source, 20_000))
    expect(source.destroyed).toBe(true)
    expect(response.sent).toBe(10_000)
    finish.resolve()
    expect((await collect(response.body, most)).toString()).toBe('why')
    peer.respond = (asked) => asked.answer('200 OK')
    await wire.whole(requestTo(peer), most)
    expect(peer.asked.map(({ connection }) => connection)).toEqual([0, 1])
  })

  test('is seen though the server reads no more, and its connection is not used again', async () => {
    const [peer, wire] = [await openPeer(), testWire()]
    peer.respond = (asked) => {
      if (asked.connection > 0) return asked.answer('200 OK')
      asked.socket.pause()
      asked.answer('403 Forbidden', 'why')
    }
    const refusal = await wire.whole(requestTo(peer, { method: 'PUT', body: Buffer.alloc(64 << 20) }), most)
    expect(refusal.body.toString()).toBe('why')
    await wire.whole(requestTo(peer), most)
    expect(peer.asked.map(({ connection }) => connection)).toEqual([0, 1])
  })
})

describe('a body that is not what it should be', () => {
  const content = patterned(300_000)
  const sources: [string, () => Readable, string][] = [
    [
      'ends early',
      () => Readable.from([content.subarray(0, 299_999)], { objectMode: false }),
      'wrong-length',
    ],
    ['goes on', () => Readable.from([content, Buffer.from('x')], { objectMode: false }), 'wrong-length'],
    ['is closed', () => new Readable({ read() {} }).destroy(), 'wrong-length'],
    [
      'had failed',
      () => new Readable({ read() {} }).on('error', () => {}).destroy(new Error('mine')),
      'mine',
    ],
    [
      'fails at its very end',
      () =>
        Readable.from(
          (async function* () {
            yield content.subarray(0, 200_000)
            yield content.subarray(200_000)
            await new Promise((resolve) => setImmediate(resolve))
            throw new Error('mine')
          })(),
          { objectMode: false },
        ),
      'mine',
    ],
  ]
  test.each(sources)('since it %s is never sent whole', async (_, source, fault) => {
    const [peer, wire] = [await openPeer(), testWire()]
    const body = source()
    expect(await faultOf(wire.send(putTo(peer, body, content.length)))).toBe(fault)
    while (peer.asked.length === 0) await once(peer, 'asked')
    while (peer.sockets.size > 0) await once(peer, 'closed')
    expect(peer.asked).toHaveLength(1)
    expect(peer.asked[0]!.received).toBeLessThan(content.length)
    expect(body.destroyed).toBe(true)
  })

  test('is let go of, too, where it never gets a connection', async () => {
    const body = endless()
    const wire = testWire({ connections: 1 })
    const failing = faultOf(wire.send(putTo(await openPeer(), body, 1 << 30)))
    await wire.close()
    expect(await failing).toBe('closed')
    expect(body.destroyed).toBe(true)
  })
})

describe('a side that does not move', () => {
  test('takes no connection, over TLS either', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { connectMs: 30 } })]
    const secure = { origin: peer.origin.replace('http', 'https') }
    expect(await faultOf(wire.send(requestTo(secure)))).toBe('no-connection')
    await peer.close()
    expect(await faultOf(wire.send(requestTo(peer)))).toBe('ECONNREFUSED')
  })

  test('gives no answer, or nothing more of one', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bodyIdleMs: 30 })]
    peer.respond = () => {}
    expect(await faultOf(wire.whole(requestTo(peer, { patience: 30 }), most))).toBe('no-head')
    peer.respond = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
    expect(await faultOf(wire.whole(requestTo(peer), most))).toBe('stalled')
    const { body } = await wire.send(requestTo(peer))
    expect(await faultOf(collect(body, most))).toBe('stalled')
  })

  test('gives less than the floor, though never nothing', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { floor: { bytes: 1024, ms: 60 } } })]
    peer.respond = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 3)
      socket.on('close', () => clearInterval(drip))
    }
    expect(await faultOf(wire.whole(requestTo(peer), 100_000))).toBe('stalled')
    const { body } = await wire.send(requestTo(peer))
    expect(await faultOf(collect(body, 100_000))).toBe('stalled')
  })

  test('may take its time over the answer to a POST, as long as it says so, and as there is patience', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { floor: { bytes: 1024, ms: 20 } } })]
    let drops = 0
    peer.respond = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n')
      drops = 0
      const drip = setInterval(() => ++drops <= 30 && socket.write(' '), 3)
      socket.on('close', () => clearInterval(drip))
    }
    expect((await wire.whole(requestTo(peer, { method: 'POST' }), most)).body).toHaveLength(30)
    const streamed = await wire.send(requestTo(peer, { method: 'POST' }))
    expect(await collect(streamed.body, most)).toHaveLength(30)
    peer.respond = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n')
      const drip = setInterval(() => socket.write(' '), 3)
      socket.on('close', () => clearInterval(drip))
    }
    const { body } = await wire.send(requestTo(peer, { method: 'POST', patience: 50 }))
    expect(await faultOf(collect(body, most))).toBe('stalled')
    expect(await faultOf(wire.whole(requestTo(peer, { method: 'POST', patience: 50 }), most))).toBe('stalled')
  })

  test('is not one whose answer nobody wants to read yet', async () => {
    const bounds = { idleMs: 20, floor: { bytes: 1024, ms: 20 } }
    const [peer, wire] = [await openPeer(), testWire({ bounds })]
    const content = patterned(3_000_000)
    peer.respond = (asked) => asked.answer('200 OK', content)
    const { body } = await wire.send(requestTo(peer))
    await delay(100)
    body.once('readable', () => body.read(1))
    await delay(100)
    expect(body.destroyed).toBe(false)
    const rest = await collect(body, content.length)
    expect(rest.equals(content.subarray(content.length - rest.length))).toBe(true)
  })

  test.each([false, true])('takes nothing of a request (TLS: %s)', async (secure) => {
    const peer = await openPeer(secure ? { key: pem, cert: pem } : undefined)
    const wire = testWire({ bodyIdleMs: 50, authorities: pem })
    peer.on('connection', (socket) => socket.pause())
    expect(
      await faultOf(wire.whole(requestTo(peer, { method: 'PUT', body: Buffer.alloc(64 << 20) }), most)),
    ).toBe('stalled')
    const source = endless()
    expect(await faultOf(wire.send(putTo(peer, source, 1 << 30)))).toBe('stalled')
    expect(source.destroyed).toBe(true)
  })

  test.each([false, true])('is not one that takes something now and then (TLS: %s)', async (secure) => {
    const peer = await openPeer(secure ? { key: pem, cert: pem } : undefined)
    const wire = testWire({ bodyIdleMs: 150, authorities: pem })
    let pauses = 0
    peer.respond = (asked) => {
      const { socket } = asked
      let taken = 0
      socket.on('data', (chunk) => {
        taken += chunk.length
        if (taken < 4 << 20) return
        taken = 0
        pauses++
        socket.pause()
        setTimeout(() => socket.resume(), 25)
      })
      void asked.whole.then(() => asked.answer('200 OK'))
    }
    const body = Buffer.alloc(64 << 20)
    expect((await wire.whole(requestTo(peer, { method: 'PUT', body }), most)).status).toBe(200)
    expect(pauses * 25).toBeGreaterThan(150)
  })

  test.each([false, true])('takes less than the floor, though never nothing (TLS: %s)', async (secure) => {
    const peer = await openPeer(secure ? { key: pem, cert: pem } : undefined)
    const wire = testWire({ bounds: { floor: { bytes: 1 << 30, ms: 60 } }, authorities: pem })
    peer.on('connection', (socket: Socket) => {
      const sip = setInterval(() => (socket.isPaused() ? socket.resume() : socket.pause()), 3)
      socket.on('data', () => socket.pause()).on('close', () => clearInterval(sip))
    })
    expect(
      await faultOf(wire.whole(requestTo(peer, { method: 'PUT', body: Buffer.alloc(64 << 20) }), most)),
    ).toBe('stalled')
    const source = endless()
    expect(await faultOf(wire.send(putTo(peer, source, 2 ** 40)))).toBe('stalled')
    expect(source.destroyed).toBe(true)
  })

  test('is not one whose request comes slowly from us', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { floor: { bytes: 1 << 30, ms: 10 } } })]
    peer.respond = (asked) => void asked.whole.then(() => asked.answer('200 OK'))
    let drops = 0
    const source = new Readable({
      read() {
        setTimeout(() => this.push(drops++ < 20 ? 'x' : null), 3)
      },
    })
    expect((await wire.send(putTo(peer, source, 20))).status).toBe(200)
  })

  test('need not finish its sentence where it refuses', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { refusalMs: 30 } })]
    peer.respond = ({ socket }) => {
      socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 1000000\r\n\r\n')
      const drip = setInterval(() => socket.write(' '), 3)
      socket.on('close', () => clearInterval(drip))
    }
    expect((await wire.whole(requestTo(peer), most)).status).toBe(403)
  })

  test('is our own where a body is never given', async () => {
    const [peer, wire] = [await openPeer(), testWire({ bounds: { spareMs: 20 } })]
    const source = new Readable({ read() {} })
    expect(await faultOf(wire.send({ ...putTo(peer, source, 10), patience: 30 }))).toBe('stalled')
    expect(source.destroyed).toBe(true)
  })
})

describe('TLS', () => {
  test('is spoken to whom the certificates vouch for, by name and by address', async () => {
    const peer = await openPeer({ key: pem, cert: pem })
    const wire = testWire({ authorities: pem })
    const named = { origin: peer.origin.replace('127.0.0.1', 'localhost') }
    for (const origin of [peer, named]) {
      expect((await wire.whole(requestTo(origin), most)).status).toBe(200)
      expect((await wire.whole(requestTo(origin), most)).status).toBe(200)
    }
    expect(peer.connections).toBe(2)
    const [, second] = [...peer.sockets] as unknown as { servername: string }[]
    expect(second!.servername).toBe('localhost')
  })

  test('gives nobody else a byte of the request', async () => {
    const peer = await openPeer({ key: pem, cert: pem })
    expect(await faultOf(testWire().whole(requestTo(peer), most))).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    const other = { origin: peer.origin.replace('127.0.0.1', '127.0.0.2') }
    expect(await faultOf(testWire({ authorities: pem }).whole(requestTo(other), most))).toMatch(
      /ERR_TLS_CERT_ALTNAME_INVALID|ECONNREFUSED/,
    )
    expect(peer.asked).toHaveLength(0)
  })

  test('is not expected where the server speaks none', async () => {
    const peer = await openPeer()
    peer.on('connection', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const secure = { origin: peer.origin.replace('http', 'https') }
    expect(await faultOf(testWire().send(requestTo(secure)))).toMatch(/^ERR_SSL_/)
  })
})
