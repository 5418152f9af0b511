/** Bodies from one socket to another: whole or not at all, and neither side left waiting. */
import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { collect } from '../../agent/storage/s3/body.ts'
import { PumpSender } from '../../agent/storage/s3/wire/pump.ts'
import { patterned } from './contract.ts'
import { faultOf, openPair, type Peer, pem, putTo, requestTo, testWire } from './wire-peer.ts'

const content = patterned(3_000_001)
const heads = {
  chunked: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
  whole: `HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`,
}

async function pair(secureSource = false, secureSink = false) {
  const opened = await openPair(secureSource, secureSink)
  opened.source.respond = (asked) => asked.answer('200 OK', content)
  return opened
}

describe('a pump', () => {
  test('leaves a connection that hears, though its last answer ended while nobody wanted to read it', async () => {
    for (const secure of [false, true]) {
      const { source, from } = await pair(secure)
      // Two records of TLS in one piece: the first says "pause", the second comes all the same.
      const small = content.subarray(0, 20_000)
      source.respond = ({ socket }) =>
        socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n'), small]))
      for (let i = 0; i < 10; i++) {
        const { body } = await from.send(requestTo(source))
        await new Promise((resolve) => setImmediate(resolve))
        expect((await collect(body, small.length)).equals(small)).toBe(true)
      }
      expect(source.connections).toBe(1)
    }
  })

  test('moves small bodies and none', async () => {
    const { source, sink, from, to } = await pair()
    for (const size of [0, 1, 70_000]) {
      source.respond = (asked) => asked.answer('200 OK', content.subarray(0, size))
      const { body } = await from.send(requestTo(source))
      expect((await to.whole(putTo(sink, body, size), 100)).status).toBe(200)
      expect(sink.asked.at(-1)!.body.equals(content.subarray(0, size))).toBe(true)
    }
    expect([source.connections, sink.connections]).toEqual([1, 1])
  })

  test('gives way to streams where somebody has begun to read the body', async () => {
    const { source, sink, from, to } = await pair()
    const { body } = await from.send(requestTo(source))
    body.pause()
    expect(body.untouched).toBe(false)
    await to.whole(putTo(sink, body, content.length), 100)
    expect(sink.asked[0]!.body.equals(content)).toBe(true)
    expect([source.connections, from.connections]).toEqual([1, 1])
  })

  test('goes on to the end of a chunked body though the sink took nothing of it for long', async () => {
    const { source, from } = await pair()
    const bytes = content.subarray(0, (512 << 10) + 10)
    const rest = Promise.withResolvers<void>()
    const end = Promise.withResolvers<void>()
    source.respond = async ({ socket }) => {
      socket.write(`${heads.chunked}${bytes.length.toString(16)}\r\n`)
      socket.write(bytes.subarray(0, -20))
      await rest.promise
      // With this the pump has as much as it takes, and all but the word that it is all.
      socket.write(bytes.subarray(-20))
      await end.promise
      socket.write('\r\n0\r\n\r\n')
    }
    const { body } = await from.send(requestTo(source))
    let seen = 0
    const passed = new EventEmitter()
    body.through({
      chunk(chunk) {
        seen += chunk.length
        passed.emit('bytes')
      },
    })
    const taken: Buffer[] = []
    let take: (() => void) | null = null
    const sink = new Writable({
      write(chunk, _, done) {
        taken.push(Buffer.from(chunk))
        if (take === null) take = done
        else done()
      },
    })
    const pump = new PumpSender(body, sink as Socket, bytes.length, {
      failed: (error) => expect.fail(error.message),
      pay: () => true,
    })
    pump.begin()
    while (seen < bytes.length - 20) await once(passed, 'bytes')
    rest.resolve()
    while (seen < bytes.length) await once(passed, 'bytes')
    expect(pump.full).toBe(true)
    take!()
    end.resolve()
    await once(body, 'close')
    while (pump.sent < bytes.length) await new Promise((resolve) => setImmediate(resolve))
    expect(Buffer.concat(taken).equals(bytes)).toBe(true)
  })

  test('never sends the last of a body that breaks off, is too long or too short, or fails who looks at it', async () => {
    const { source, sink, from, to } = await pair()
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`
    const cases: [string, Peer['respond'], number, string][] = [
      [
        'cut',
        ({ socket }) => socket.write(head, () => socket.end(content.subarray(0, -1))),
        content.length,
        'broken',
      ],
      [
        'reset',
        ({ socket }) =>
          socket.write(head, () => socket.write(content.subarray(0, 9999), () => socket.resetAndDestroy())),
        content.length,
        'ECONNRESET',
      ],
      ['long', (asked) => asked.answer('200 OK', content), content.length - 1, 'wrong-length'],
      ['short', (asked) => asked.answer('200 OK', content), content.length + 1, 'wrong-length'],
      [
        'bad chunk at the end',
        ({ socket }) => {
          socket.write(
            `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${content.length.toString(16)}\r\n`,
          )
          socket.write(content)
          socket.write('\r\nzero\r\n\r\n')
        },
        content.length,
        'malformed',
      ],
      ['seen', (asked) => asked.answer('200 OK', content), content.length, 'not that'],
      ['judged', (asked) => asked.answer('200 OK', content), content.length, 'not the right ones'],
    ]
    for (const [name, respond, length, fault] of cases) {
      source.respond = respond
      const { body } = await from.send(requestTo(source))
      let bytes = 0
      body.through({
        chunk(chunk) {
          bytes += chunk.length
          if (name === 'seen' && bytes > 1_000_000) throw new Error('not that')
        },
        ended() {
          if (name === 'judged') throw new Error('not the right ones')
        },
      })
      const before = sink.asked.length
      expect(await faultOf(to.whole(putTo(sink, body, length), 100)), name).toBe(fault)
      while (sink.asked.length === before) await once(sink, 'asked')
      while (sink.sockets.size > 0) await once(sink, 'closed')
      expect(sink.asked.at(-1)!.received, name).toBeLessThan(length)
      expect(body.destroyed).toBe(true)
    }
  })

  test('gives up its source when the sink refuses, breaks off or does not move', async () => {
    const { source, sink, from } = await pair()
    const huge = `HTTP/1.1 200 OK\r\ncontent-length: ${1 << 30}\r\n\r\n`
    source.respond = ({ socket }) => {
      socket.write(huge)
      const more = () => {
        while (!socket.destroyed && socket.write(content));
      }
      socket.on('drain', more)
      more()
    }
    const sinks: [string, Peer['respond']][] = [
      ['403', (asked) => asked.answer('403 Forbidden')],
      ['ECONNRESET', ({ socket }) => setImmediate(() => socket.resetAndDestroy())],
      ['stalled', ({ socket }) => void socket.pause()],
    ]
    for (const [fault, respond] of sinks) {
      const to = testWire({ authorities: pem, bounds: { idleMs: 60 } })
      sink.respond = respond
      const { body } = await from.send(requestTo(source))
      let passed = 0
      body.through({
        chunk: (bytes) => {
          passed += bytes.length
        },
      })
      const outcome = to.whole(putTo(sink, body, 1 << 30), 100).then(({ status }) => String(status))
      const said = await outcome.catch((error) =>
        error.code === 'EPIPE' ? 'ECONNRESET' : (error.fault ?? error.code),
      )
      expect(said).toBe(fault)
      expect(body.destroyed).toBe(true)
      // The source was told to wait: no more was read than fits between the two.
      expect(passed).toBeLessThan(64 << 20)
      while (source.sockets.size > 0) await once(source, 'closed')
      await to.close()
    }
  })

  test('ends with an abort on either side, and with it both connections', async () => {
    for (const side of ['source', 'sink', 'body'] as const) {
      const { source, sink, from, to } = await pair(true, true)
      source.respond = ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${content.length + 1}\r\n\r\n`)
        socket.write(content)
      }
      const controller = new AbortController()
      const { signal } = controller
      const { body } = await from.send({ ...requestTo(source), ...(side === 'source' && { signal }) })
      const failing = to.whole(
        { ...putTo(sink, body, content.length + 1), ...(side === 'sink' && { signal }) },
        100,
      )
      failing.catch(() => {})
      while (!(sink.asked[0]?.received === content.length)) await delay(1)
      if (side === 'body') body.destroy(new Error('enough'))
      else controller.abort()
      await expect(failing).rejects.toThrow(side === 'body' ? 'enough' : '')
      while (source.sockets.size + sink.sockets.size > 0) await delay(1)
      expect([from.connections, to.connections]).toEqual([0, 0])
      expect(body.destroyed).toBe(true)
    }
  })
})
