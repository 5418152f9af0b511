/** Bodies from one socket to another: every byte as it was, however slow either side is. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Wire } from '../../agent/storage/s3/wire/wire.ts'
import { patterned } from './contract.ts'
import { type Asked, openPair, type Peer, putTo, requestTo } from './wire-peer.ts'

const content = patterned(3_000_001)
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const whole = digest(content)

/** The body, as it follows either head. */
const answers = [
  { head: `HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`, body: content },
  {
    head: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
    body: Buffer.concat([
      Buffer.from(`${content.length.toString(16)}\r\n`),
      content,
      Buffer.from('\r\n0\r\nx-checksum: 1\r\n\r\n'),
    ]),
  },
]
const answerOf = ({ asked }: Peer) => answers[asked.length % 2]!

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

interface Pair {
  source: Peer
  sink: Peer
  from: Wire
  to: Wire
}

async function copies({ source, sink, from, to }: Pair, count: number): Promise<void> {
  const copy = async () => {
    const { body } = await from.send(requestTo(source))
    const seen = createHash('sha256')
    let ended = 0
    body.through({ chunk: (bytes) => void seen.update(bytes), ended: () => void ended++ })
    const answer = await to.whole(putTo(sink, body, content.length), 100)
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

describe.each([
  ['plain to plain', false, false],
  ['TLS to plain', true, false],
  ['plain to TLS', false, true],
  ['TLS to TLS', true, true],
])('from %s a body is the same', (_, secureSource, secureSink) => {
  test('behind a sink that stalls', async () => {
    const pair = await openPair(secureSource, secureSink)
    const { source, sink } = pair
    source.respond = ({ socket }) => {
      const { head, body } = answerOf(source)
      socket.write(Buffer.concat([Buffer.from(head), body]))
    }
    sink.respond = (asked) => {
      stutter(asked)
      void asked.whole.then(() => asked.answer('200 OK', digest(asked.body)))
    }
    await copies(pair, 12)
  })

  test('behind a source that dribbles', async () => {
    const pair = await openPair(secureSource, secureSink)
    const { source, sink } = pair
    sink.respond = (asked) => void asked.whole.then(() => asked.answer('200 OK', digest(asked.body)))
    source.respond = ({ socket }) => {
      const { head, body } = answerOf(source)
      socket.write(head)
      void dribble(socket, body)
    }
    await copies(pair, 6)
  })
})
