/** Bodies from one socket to another: every byte as it was, however slow either side is, and never half of them. */
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { type Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { collect } from '../../agent/storage/s3/body.ts'
import { PumpSender } from '../../agent/storage/s3/wire/pump.ts'
import { patterned } from './contract.ts'
import { type Asked, faultOf, openPeer, type Peer, requestTo, testWire } from './wire-peer.ts'

const pem = readFileSync(new URL('../support/localhost.pem', import.meta.url))
const content = patterned(3_000_001)
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const whole = digest(content)

const open = (secure: boolean) => openPeer(secure ? { key: pem, cert: pem } : undefined)
const wireOf = (more: Parameters<typeof testWire>[0] = {}) => testWire({ authorities: pem, ...more })

const chunked = Buffer.concat([
  Buffer.from(`${content.length.toString(16)}\r\n`),
  content,
  Buffer.from('\r\n0\r\nx-checksum: 1\r\n\r\n'),
])
const heads = {
  chunked: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
  whole: `HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`,
}

async function pair(secureSource = false, secureSink = false) {
  const [source, sink] = [await open(secureSource), await open(secureSink)]
  source.respond = (asked) => asked.answer('200 OK', content)
  return { source, sink, from: wireOf(), to: wireOf() }
}

const put = (peer: Peer, body: Readable, length = content.length) =>
  requestTo(peer, { method: 'PUT', headers: { 'content-length': String(length) }, body })

/** Takes what comes in fits and starts. */
function stutter({ socket }: Asked): void {
  let pauses = 0
  socket.on('data', () => {
    if (++pauses % 3 !== 0 || pauses > 30) return
    socket.pause()
    setTimeout(() => socket.resume(), 4)
  })
}

/** Sends in fits and starts, in pieces of all sizes. */
async function dribble(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0, i = 1; at < bytes.length; i++) {
    const size = [1, 100, 1448, 16_384, 70_000, 300_000][i % 6]!
    if (!socket.write(bytes.subarray(at, at + size))) await once(socket, 'drain')
    else if (i % 4 === 0) await delay(1)
    at += size
  }
}

describe.each([
  ['plain to plain', false, false],
  ['TLS to plain', true, false],
  ['plain to TLS', false, true],
  ['TLS to TLS', true, true],
])('from %s a body is the same', (_, secureSource, secureSink) => {
  async function copies(source: Peer, sink: Peer, count: number) {
    const [from, to] = [wireOf(), wireOf()]
    const copy = async () => {
      const { body } = await from.send(requestTo(source))
      const seen = createHash('sha256')
      let ended = 0
      body.through({ chunk: (bytes) => void seen.update(bytes), ended: () => void ended++ })
      const answer = await to.whole(put(sink, body), 100)
      expect(answer).toMatchObject({ status: 200, sent: content.length })
      expect(answer.body.toString()).toBe(whole)
      expect(seen.digest('hex')).toBe(whole)
      expect(ended).toBe(1)
      expect(body.destroyed).toBe(true)
    }
    await Promise.all(Array.from({ length: count }, copy))
    expect(source.connections).toBeLessThanOrEqual(4)
    expect(sink.connections).toBeLessThanOrEqual(4)
  }

  test('behind a sink that stalls', async () => {
    const { source, sink } = await pair(secureSource, secureSink)
    source.respond = ({ socket }) => {
      if (source.asked.length % 2 === 0) socket.write(Buffer.concat([Buffer.from(heads.chunked), chunked]))
      else socket.write(Buffer.concat([Buffer.from(heads.whole), content]))
    }
    sink.respond = (asked) => {
      stutter(asked)
      void asked.whole.then(() => asked.answer('200 OK', digest(asked.body)))
    }
    await copies(source, sink, 12)
  })

  test('behind a source that dribbles, in chunks or in one piece', async () => {
    const { source, sink } = await pair(secureSource, secureSink)
    sink.respond = (asked) => void asked.whole.then(() => asked.answer('200 OK', digest(asked.body)))
    source.respond = ({ socket }) => {
      if (source.asked.length % 2 === 0) {
        socket.write(heads.chunked)
        void dribble(socket, chunked)
      } else {
        socket.write(heads.whole)
        void dribble(socket, content)
      }
    }
    await copies(source, sink, 6)
  })
})

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
      expect((await to.whole(put(sink, body, size), 100)).status).toBe(200)
      expect(sink.asked.at(-1)!.body.equals(content.subarray(0, size))).toBe(true)
    }
    expect([source.connections, sink.connections]).toEqual([1, 1])
  })

  test('gives way to streams where somebody has begun to read the body', async () => {
    const { source, sink, from, to } = await pair()
    const { body } = await from.send(requestTo(source))
    body.pause()
    expect(body.untouched).toBe(false)
    await to.whole(put(sink, body), 100)
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
      ['long', (asked) => asked.answer('200 OK', content), content.length - 1, 'broken'],
      ['short', (asked) => asked.answer('200 OK', content), content.length + 1, 'broken'],
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
      expect(await faultOf(to.whole(put(sink, body, length), 100)), name).toBe(fault)
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
      const to = wireOf({ bounds: { idleMs: 60 } })
      sink.respond = respond
      const { body } = await from.send(requestTo(source))
      let passed = 0
      body.through({
        chunk: (bytes) => {
          passed += bytes.length
        },
      })
      const outcome = to.whole(put(sink, body, 1 << 30), 100).then(({ status }) => String(status))
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
        { ...put(sink, body, content.length + 1), ...(side === 'sink' && { signal }) },
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
