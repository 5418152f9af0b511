/** Over real sockets: whatever a server says, in whatever pieces, a request ends, and with what its bytes mean. */
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collect } from '../../agent/storage/s3/body.ts'
import { cuts, type Parsed, parse, tampered, valid } from './wire-answers.ts'
import { type Asked, openPeer, requestTo, testWire } from './wire-peer.ts'

fc.configureGlobal({ seed: 1 })

async function say({ socket }: Asked, bytes: Buffer, cuts: number[], end: boolean): Promise<void> {
  const edges = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  let from = 0
  for (const edge of edges) {
    if (edge > from) socket.write(bytes.subarray(from, edge))
    from = edge
    await turn()
  }
  if (end) socket.end()
}

test('a valid answer is what it is, and its connection goes on', async () => {
  const [peer, wire] = [await openPeer(), testWire({ connections: 2 })]
  await fc.assert(
    fc.asyncProperty(valid, cuts, async ({ text, status, headers, body }, cuts) => {
      peer.respond = (asked) => void say(asked, Buffer.from(text, 'latin1'), cuts, false)
      const whole = await wire.whole(requestTo(peer), 1000)
      expect(whole).toMatchObject({ status, headers })
      expect(whole.body.toString('latin1')).toBe(body)
      const streamed = await wire.send(requestTo(peer))
      expect(streamed).toMatchObject({ status, headers })
      expect((await collect(streamed.body, 1000)).toString('latin1')).toBe(body)
    }),
    { numRuns: 100 },
  )
  expect(peer.connections).toBe(1)
})

test('an answer that has been tampered with is what its bytes say, or an error', async () => {
  const [peer, wire] = [await openPeer(), testWire({ connections: 2, bounds: { spareMs: 60_000 } })]
  let taken = 0
  await fc.assert(
    fc.asyncProperty(tampered, cuts, async (text, cuts) => {
      const bytes = Buffer.from(text, 'latin1')
      const meaning = parse(bytes)
      peer.respond = (asked) => void say(asked, bytes, cuts, true)
      const streamed = await wire
        .send(requestTo(peer))
        .then(async ({ status, body }) => ({ status, body: (await collect(body, 1000)).toString('latin1') }))
        .catch(() => 'an error')
      if (typeof meaning === 'string') expect(streamed).toBe('an error')
      else {
        taken++
        expect(streamed).toEqual({ status: meaning.status, body: meaning.body } satisfies Partial<Parsed>)
      }
      // This server ends each connection after its answer, but not at once.
      while (peer.sockets.size > 0) await turn()
      const whole = await wire.whole(requestTo(peer), 1000).catch(() => 'an error')
      if (typeof whole === 'string') expect(meaning).toBeTypeOf('string')
      // A refusal is understood without its end.
      else if (whole.status < 300) expect(whole.body.toString('latin1')).toBe((meaning as Parsed).body)
    }),
    { numRuns: 300 },
  )
  expect(taken).toBeGreaterThan(20)
  // Those that the server has left are noticed, and not only when they are old.
  while (wire.connections > 0) await turn()
})
