/**
 * What a limit holds back, on real sockets. Nothing here is quicker than the limit; how near to it things come is measured
 * by test/bench/limits.ts, where it is no matter of chance.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { Allowance, forever } from '../../agent/storage/allowance.ts'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { openLanes } from '../../agent/storage/s3/lanes.ts'
import type { Wire } from '../../agent/storage/s3/wire/wire.ts'
import { Throttle } from '../../agent/storage/throttle.ts'
import { Throttles } from '../../agent/storage/throttles.ts'
import { type LimitValues, unlimited } from '../../shared/limit.ts'
import { bodyOf, bytesOf, noMetadata, noSignal } from './contract.ts'
import { openPeer, type Peer, pem, putTo, requestTo, testWire } from './wire-peer.ts'

const limit = (values: Partial<LimitValues>): LimitValues => ({ ...unlimited, ...values })

/** Wires to peers, of which the first has a limit. */
async function limited(values: Partial<LimitValues> | null, secure = false) {
  const open = () => openPeer(secure ? { key: pem, cert: pem } : undefined)
  const [peer, free] = [await open(), await open()]
  const needed: string[] = []
  const throttles = new Throttles({ needed: (endpoint) => needed.push(endpoint) })
  const allowance = new Allowance()
  if (values) allowance.allow(limit(values), forever)
  throttles.limit(peer.origin, allowance)
  const lanes = openLanes({ most: 64, throttles })
  const wire = testWire({ connections: 64, lanes, authorities: pem })
  return { peer, free, wire, throttles, allowance, lanes, needed }
}

/** Milliseconds that it takes at least: what is allowed at once, and one portion of each body, goes for nothing. */
const leastMs = (bytes: number, rate: number, bodies: number) =>
  ((bytes - rate * 0.2 - bodies * Math.min(256 * 1024, rate / 20)) / rate / 1.05) * 1000

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

const times = <T>(n: number, act: () => Promise<T>) => Promise.all(Array.from({ length: n }, act))

async function drained(wire: Wire, peer: Peer): Promise<number> {
  const { body } = await wire.send(requestTo(peer))
  let bytes = 0
  for await (const chunk of body) bytes += (chunk as Buffer).length
  return bytes
}

describe('an allowance', () => {
  test('never gives more than its rate, and what it may owe', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 1e7 }),
        fc.array(
          fc.record({
            wait: fc.integer({ min: 0, max: 3_000_000_000 }),
            bytes: fc.integer({ min: 4_096, max: 262_144 }),
            rate: fc.option(fc.integer({ min: 1_000, max: 1e7 })),
          }),
          { maxLength: 40 },
        ),
        (first, steps) => {
          let now = 10n ** 12n
          const allowance = new Allowance(undefined, () => now)
          allowance.allow(limit({ bandwidth: first }), forever)
          let rate = first
          let allowed = rate * 0.2
          let taken = 0
          for (const step of steps) {
            now += BigInt(step.wait)
            allowed += (rate * step.wait) / 1e9
            if (step.rate !== null) {
              rate = step.rate
              allowance.allow(limit({ bandwidth: rate }), forever)
              // What may be saved up is of the rate of now.
              allowed = Math.max(allowed, taken + rate * 0.2)
            }
            while (allowance.bytesWait === 0 && taken < allowed + 2 * step.bytes) {
              allowance.take(step.bytes)
              taken += step.bytes
            }
            expect(taken).toBeLessThanOrEqual(allowed * 1.001 + step.bytes + 262_144)
          }
        },
      ),
    )
  })

  test('is one for all threads', async () => {
    const allowance = new Allowance()
    allowance.allow(limit({ bandwidth: 1_000_000, concurrency: 2 }), forever)
    const code = `
      const { workerData, parentPort } = require('node:worker_threads')
      import(workerData.module).then(({ Allowance }) => {
        const allowance = new Allowance(workerData.buffer)
        const first = allowance.enter(true)
        allowance.take(5_000_000)
        parentPort.postMessage([first, allowance.enter(true)])
      })`
    const module = new URL('../../agent/storage/allowance.ts', import.meta.url).href
    const worker = new Worker(code, { eval: true, workerData: { module, buffer: allowance.buffer } })
    // One of the two places is kept for what reads nothing.
    expect(await new Promise((resolve) => worker.once('message', resolve))).toEqual([true, false])
    expect(allowance.bytesWait).toBeGreaterThan(4e9)
    expect(allowance.tally).toMatchObject({ inFlight: 1, requests: 1 })
    expect([allowance.enter(false), allowance.enter(false)]).toEqual([true, false])
    allowance.leave(false)
    expect(allowance.enter(false)).toBe(true)
    await worker.terminate()
  })
})

describe.each([
  ['plain', false],
  ['TLS', true],
])('bandwidth, over %s', (_, secure) => {
  const rate = 8_000_000

  test('bounds many small answers', async () => {
    const { peer, wire, allowance } = await limited({ bandwidth: rate }, secure)
    const body = randomBytes(100_000)
    peer.respond = (asked) => asked.answer('200 OK', body)
    const ms = await timed(() => times(20, () => wire.whole(requestTo(peer), 200_000)))
    expect(ms).toBeGreaterThan(leastMs(20 * 100_000, rate, 20))
    expect(allowance.tally.bytes).toBeGreaterThanOrEqual(20 * 100_000)
    expect(allowance.tally).toMatchObject({ inFlight: 0, requests: 20 })
  })

  test('bounds large answers', async () => {
    const { peer, wire } = await limited({ bandwidth: rate }, secure)
    const body = randomBytes(1_000_000)
    peer.respond = (asked) => asked.answer('200 OK', body)
    const ms = await timed(async () => {
      expect(await times(3, () => drained(wire, peer))).toEqual([1_000_000, 1_000_000, 1_000_000])
    })
    expect(ms).toBeGreaterThan(leastMs(3_000_000, rate, 3))
  })

  test('bounds what is sent, from memory and from a stream', async () => {
    const { peer, wire } = await limited({ bandwidth: rate }, secure)
    const body = randomBytes(500_000)
    const headers = { 'content-length': '500000' }
    const ms = await timed(() =>
      Promise.all([
        ...[1, 2, 3].map(() => wire.whole(requestTo(peer, { method: 'PUT', headers, body }), 10)),
        ...[1, 2, 3].map(() =>
          wire.whole(putTo(peer, Readable.from([body], { objectMode: false }), 500_000), 10),
        ),
      ]),
    )
    expect(ms).toBeGreaterThan(leastMs(3_000_000, rate, 6))
    for (const each of peer.asked) expect(each.body.equals(body)).toBe(true)
  })

  test('bounds what goes from socket to socket, by the slower side', async () => {
    const { peer, free, wire } = await limited({ bandwidth: rate }, secure)
    const body = randomBytes(1_500_000)
    for (const each of [peer, free])
      each.respond = (asked) =>
        void asked.whole.then(() => asked.answer('200 OK', asked.line.startsWith('GET') ? body : ''))
    const move = async (from: Peer, to: Peer) => {
      const { body: source } = await wire.send(requestTo(from))
      await wire.whole(putTo(to, source, body.length), 10)
      const asked = to.asked.find(({ line, received }) => line.startsWith('PUT') && received === body.length)!
      expect(asked.body.equals(body)).toBe(true)
    }
    expect(await timed(() => move(peer, free))).toBeGreaterThan(leastMs(1_500_000, rate, 1))
    expect(await timed(() => move(free, peer))).toBeGreaterThan(leastMs(1_500_000, rate, 1))
    // Both ways at one endpoint count.
    expect(await timed(() => move(peer, peer))).toBeGreaterThan(leastMs(3_000_000, rate, 2))
  })
})

describe('requests', () => {
  test('begin no quicker than so many a second', async () => {
    const { peer, wire } = await limited({ requests: 100 })
    peer.respond = (asked) => asked.answer('200 OK')
    const ms = await timed(() => times(70, () => wire.whole(requestTo(peer, { path: '/?list' }), 10)))
    expect(ms).toBeGreaterThan(((70 - 20 - 1) / 100 / 1.05) * 1000)
  })

  test('are never more at once, reads and writes and the rest together', async () => {
    const { peer, wire } = await limited({ concurrency: 3 })
    let now = 0
    let most = 0
    const three = Promise.withResolvers<void>()
    peer.respond = (asked) => {
      most = Math.max(most, ++now)
      if (now === 3) three.resolve()
      void three.promise.then(() => {
        now--
        asked.answer('200 OK')
      })
    }
    await Promise.all([
      times(20, () => wire.whole(requestTo(peer), 10)),
      times(20, () => wire.whole(requestTo(peer, { method: 'PUT' }), 10)),
      times(20, () => wire.whole(requestTo(peer, { path: '/?list' }), 10)),
    ])
    expect(most).toBe(3)
  })

  test('where there is one place, a write that a read of the same endpoint feeds goes beside it', async () => {
    const { peer, wire } = await limited({ concurrency: 1 })
    const body = randomBytes(3_000_000)
    peer.respond = (asked) =>
      void asked.whole.then(() => asked.answer('200 OK', asked.line.startsWith('GET') ? body : ''))
    await times(3, async () => {
      const { body: source } = await wire.send(requestTo(peer))
      await wire.whole(putTo(peer, source, body.length), 10)
    })
    expect(peer.asked.filter(({ received }) => received === body.length)).toHaveLength(3)
  })
})

describe('a limit', () => {
  test('holds everything back while there is no share of it, and says that one is needed', async () => {
    const { peer, wire, allowance, needed } = await limited(null)
    peer.respond = (asked) => asked.answer('200 OK')
    const answered = wire.whole(requestTo(peer), 10)
    expect(needed).toContain(peer.origin)
    expect(peer.asked).toHaveLength(0)
    allowance.allow(limit({ requests: 10 }), forever)
    expect((await answered).status).toBe(200)
  })

  test('that is taken away holds nothing back any more', async () => {
    const { peer, wire, throttles } = await limited({ bandwidth: 8_000 })
    const body = randomBytes(4_000_000)
    peer.respond = (asked) => asked.answer('200 OK', body)
    const all = times(8, () => drained(wire, peer))
    await new Promise((resolve) => peer.once('asked', resolve))
    throttles.limit(peer.origin, null)
    expect(await all).toEqual(Array.from({ length: 8 }, () => 4_000_000))
  })

  test('that comes while a body does holds the rest of it', async () => {
    const { peer, wire, throttles, allowance } = await limited({})
    throttles.limit(peer.origin, null)
    const rest = Promise.withResolvers<void>()
    peer.respond = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n')
      socket.write(randomBytes(1_000_000))
      void rest.promise.then(() => socket.write(randomBytes(1_000_000)))
    }
    const { body } = await wire.send(requestTo(peer))
    let seen = 0
    let last = 0
    const ms = await timed(async () => {
      for await (const chunk of body) {
        seen += (chunk as Buffer).length
        if (seen < 1_000_000 || last > 0) continue
        last = performance.now()
        allowance.allow(limit({ bandwidth: 2_000_000 }), forever)
        throttles.limit(peer.origin, allowance)
        rest.resolve()
      }
    })
    expect(ms).toBeGreaterThan(0)
    expect(performance.now() - last).toBeGreaterThan(leastMs(1_000_000 - 262_144, 2_000_000, 1))
    expect(seen).toBe(2_000_000)
  })

  test('is no reason to give the endpoint less', async () => {
    const { peer, wire, lanes } = await limited({ bandwidth: 3_000_000 })
    const body = randomBytes(100_000)
    peer.respond = (asked) => asked.answer('200 OK', body)
    const before = lanes.of(peer.origin).limit
    await times(25, () => wire.whole(requestTo(peer), 200_000))
    expect(lanes.of(peer.origin).limit).toBeGreaterThanOrEqual(before)
  })

  test('is not waited for by those who give up', async () => {
    const { peer, wire, allowance } = await limited(null)
    peer.respond = (asked) => asked.answer('200 OK')
    const leaving = new AbortController()
    const gone = wire.whole(requestTo(peer, { signal: leaving.signal }), 10).catch(() => 'gone')
    const stays = wire.whole(requestTo(peer), 10)
    leaving.abort()
    expect(await gone).toBe('gone')
    allowance.allow(limit({ concurrency: 1 }), forever)
    expect((await stays).status).toBe(200)
    expect(peer.asked).toHaveLength(1)
    expect(allowance.tally.inFlight).toBe(0)
  })
})

describe('directories', () => {
  const top = mkdtempSync(join(tmpdir(), 'dray-throttle-'))
  afterAll(() => rmSync(top, { recursive: true }))

  test('keep to a limit, small files and large ones, reading and writing', async () => {
    const rate = 8_000_000
    const throttle = new Throttle(() => {})
    const allowance = new Allowance()
    allowance.allow(limit({ bandwidth: rate, concurrency: 4 }), forever)
    throttle.limit(allowance)
    const storage = openFileStorage(
      { kind: 'file', path: top, site: 'here' },
      { agentId: 'a', spillDir: join(top, 'spill'), symlinks: 'skip', throttle },
    )
    const [small, large] = [randomBytes(100_000), randomBytes(1_200_000)]
    writeFileSync(join(top, 'small'), small)
    writeFileSync(join(top, 'large'), large)
    const read = async (key: string) => bytesOf((await storage.read(key as never, { signal: noSignal }))!)
    const write = (key: string, bytes: Buffer) =>
      storage.write(key as never, bodyOf(bytes), noMetadata, noSignal)
    const ms = await timed(async () => {
      for (const bytes of await times(5, () => read('small'))) expect(bytes.equals(small)).toBe(true)
      expect((await read('large')).equals(large)).toBe(true)
      await Promise.all([write('a', large), write('b', small)])
    })
    expect(ms).toBeGreaterThan(leastMs(3_000_000, rate, 8))
    expect((await read('a')).equals(large)).toBe(true)
    expect(allowance.tally.inFlight).toBe(0)
    await storage.close()
  })

  test('forget a body that nobody wants any more', async () => {
    const throttle = new Throttle(() => {})
    const allowance = new Allowance()
    allowance.allow(limit({ bandwidth: 8_000 }), forever)
    throttle.limit(allowance)
    const storage = openFileStorage(
      { kind: 'file', path: top, site: 'here' },
      { agentId: 'a', spillDir: join(top, 'spill'), symlinks: 'skip', throttle },
    )
    writeFileSync(join(top, 'huge'), randomBytes(3_000_000))
    const reading = (await storage.read('huge' as never, { signal: noSignal }))!
    const closed = new Promise((resolve) => reading.body.once('close', resolve))
    reading.body.resume()
    await new Promise((resolve) => reading.body.once('data', resolve))
    reading.body.destroy()
    await closed
    expect(allowance.tally.inFlight).toBe(0)
    await storage.close()
  })
})
