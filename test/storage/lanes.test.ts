/** One endpoint, several wires to it: how many requests it gets at once, and what all of them learn from one. */
import { describe, expect, test } from 'vitest'
import { type Lanes, openLanes, trafficOf } from '../../agent/storage/s3/lanes.ts'
import { type Asked, openPeer, type Peer, requestTo, testWire } from './wire-peer.ts'

/** A peer that keeps all requests until it is told what to answer. */
async function holdingPeer() {
  const peer = await openPeer()
  const held: Asked[] = []
  peer.respond = (asked) => void held.push(asked)
  const until = async (count: number) => {
    while (held.length < count) await new Promise((resolve) => peer.once('asked', resolve))
    // Those that should not come have had their time.
    await new Promise((resolve) => setTimeout(resolve, 30))
    return held.length
  }
  return { peer, held, until }
}

const wires = (lanes: Lanes) => [1, 2].map(() => testWire({ connections: 100, lanes }))
const get = (peer: Peer) => requestTo(peer, { path: '/b/key' })
const put = (peer: Peer) => requestTo(peer, { method: 'PUT', path: '/b/key' })

describe('the lane of an endpoint', () => {
  test('lets so many reads and so many writes go at once, over all wires', async () => {
    const { peer, held, until } = await holdingPeer()
    const [a, b] = wires(openLanes({ most: 3 }))
    const answers = [a!, b!, a!, b!, a!].flatMap((wire) => [
      wire.whole(get(peer), 10),
      wire.whole(put(peer), 10),
    ])
    expect(await until(6)).toBe(6)
    expect(held.filter(({ head }) => head.startsWith('PUT'))).toHaveLength(3)
    for (let i = 0; i < answers.length; i++) {
      await until(i + 1)
      held[i]!.answer('200 OK')
    }
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200)
  })

  test('lets fewer go from when it gets a smaller share, and more when that grows again', async () => {
    const { peer, held, until } = await holdingPeer()
    const lanes = openLanes({ most: 4 })
    const [wire] = wires(lanes)
    const answers = Array.from({ length: 6 }, () => wire!.whole(get(peer), 10))
    expect(await until(4)).toBe(4)
    lanes.bound(2)
    for (const each of held.splice(0, 3)) each.answer('200 OK')
    // One is still under way.
    expect(await until(2)).toBe(2)
    lanes.bound(4)
    for (const each of held.splice(0)) each.answer('200 OK')
    await until(1)
    held[0]!.answer('200 OK')
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200)
  })

  test('is not held up by those who give up, waiting or going', async () => {
    const { peer, held, until } = await holdingPeer()
    const [wire] = wires(openLanes({ most: 1 }))
    const going = new AbortController()
    const waiting = new AbortController()
    const first = wire!.whole({ ...get(peer), signal: going.signal }, 10).catch(() => 'aborted')
    const second = wire!.whole({ ...get(peer), signal: waiting.signal }, 10).catch(() => 'aborted')
    const third = wire!.whole(get(peer), 10)
    expect(await until(1)).toBe(1)
    waiting.abort()
    going.abort()
    await until(2)
    held[1]!.answer('200 OK')
    expect([await first, await second, (await third).status]).toEqual(['aborted', 'aborted', 200])
  })

  test('asks for half where one request was told to slow down, and nothing for as long as it was told', async () => {
    const { peer, held, until } = await holdingPeer()
    const lanes = openLanes({ most: 8 })
    const [a, b] = wires(lanes)
    const answers = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? a! : b!).whole(get(peer), 10))
    expect(await until(8)).toBe(8)
    const began = performance.now()
    held[0]!.answer('503 Slow Down', '', 'retry-after: 1\r\n')
    for (const asked of held.slice(1, 8)) asked.answer('200 OK')
    expect(lanes.of(peer.origin).limit).toBe(8)
    expect((await answers[0]!).status).toBe(503)
    expect(lanes.of(peer.origin).limit).toBe(4)
    expect(await until(12)).toBe(12)
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000)
    for (let i = 8; i < 20; i++) {
      await until(i + 1)
      held[i]!.answer('200 OK')
    }
    expect((await Promise.all(answers)).filter(({ status }) => status === 200)).toHaveLength(19)
  })

  test('asks for half where an answer does not come', async () => {
    const { peer } = await holdingPeer()
    const lanes = openLanes({ most: 8 })
    const wire = testWire({ lanes, bounds: { spareMs: 20 } })
    await expect(wire.whole({ ...get(peer), patience: 20 }, 10)).rejects.toMatchObject({ fault: 'no-head' })
    expect(lanes.of(peer.origin).limit).toBe(4)
  })

  test('has room for as many as it is used for, until it is left', async () => {
    const { peer, held, until } = await holdingPeer()
    let changes = 0
    const lanes = openLanes({ most: 8, changed: () => changes++ })
    const wire = testWire({ lanes })
    expect(lanes.room).toBe(null)
    const read = wire.whole(get(peer), 10)
    expect(lanes.room).toBe(8)
    const written = wire.whole(put(peer), 10)
    expect(lanes.room).toBe(16)
    await until(2)
    for (const asked of held) asked.answer('200 OK')
    await Promise.all([read, written])
    await wire.close()
    expect([lanes.room, changes]).toEqual([null, 3])
  })
})

test('reads are those of an object, or of its parts and versions; a listing is none', () => {
  expect(trafficOf('GET', '/b/k')).toBe('read')
  expect(trafficOf('GET', '/b/k?partNumber=1&versionId=x')).toBe('read')
  expect(trafficOf('GET', '/b?list-type=2&prefix=versionId')).toBe('other')
  expect(trafficOf('PUT', '/b/k?partNumber=1&uploadId=x')).toBe('write')
  for (const method of ['HEAD', 'POST', 'DELETE']) expect(trafficOf(method, '/b/k')).toBe('other')
})
