/** What the agent's process holds, by the kernel's count, under mixes that would have it hold everything. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { fromA, openPlace, type Place } from '../support/place.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 30_000 })

const KiB = 1024
const MiB = 1024 * KiB
/** The program itself: node, its code, the command line, V8's young generation, what the collector has not got to. */
const runtime = 190 * MiB

let place: Place
const toStop: (() => void)[] = []
beforeAll(async () => {
  place = await openPlace()
})
afterAll(() => {
  for (const stop of toStop) stop()
})

/** A way to `b` that takes so many bytes a second, over all connections; its answers come at once. */
async function slowWayTo(url: URL, bytesPerSecond: number): Promise<string> {
  let free = 0
  const server = createServer((client) => {
    const upstream = connect(Number(url.port), url.hostname)
    client.on('data', (chunk) => {
      upstream.write(chunk)
      client.pause()
      free = Math.max(free, performance.now()) + (chunk.length / bytesPerSecond) * 1000
      setTimeout(() => client.resume(), Math.max(1, free - performance.now()))
    })
    upstream.on('data', (chunk) => client.write(chunk))
    for (const socket of [client, upstream]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  toStop.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The most that its process had resident until it ended, or until so many seconds had gone. */
async function peakOf(
  state: string,
  seconds: number,
  ...args: string[]
): Promise<{ peak: number; status: number | null }> {
  const { child, ended } = place.begin(state, ...args)
  let peak = 0
  const sampling = setInterval(() => {
    const found = /VmHWM:\s+(\d+) kB/.exec(readStatus(child.pid!))
    if (found) peak = Math.max(peak, Number(found[1]) * KiB)
  }, 20)
  const late = setTimeout(() => child.kill('SIGINT'), seconds * 1000)
  const { status, stderr } = await ended
  clearInterval(sampling)
  clearTimeout(late)
  expect([0, 130], stderr).toContain(status)
  if (process.env.DRAY_TEST_SHOW) console.log(state, Math.round(peak / MiB), status, stderr)
  return { peak, status }
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return ''
  }
}

const name = (i: number) => `o-${String(i).padStart(6, '0')}`
const copy = (bucket: string, memory: string, ...more: string[]) => [
  'copy',
  `s3://${bucket}`,
  's3://to',
  ...fromA,
  '--destination-profile',
  'b',
  '--memory',
  memory,
  ...more,
]

describe.runIf(process.platform === 'linux')('memory stays within its budget', () => {
  it('when there is next to nothing to do', async () => {
    place.a.fill('few', { count: 1, key: name, size: () => 10 })
    place.b.createBucket('to')
    expect((await peakOf('few', 30, ...copy('few', '64M'))).peak).toBeLessThan(runtime)
  })

  it('with thousands of tiny objects at once, whose source takes its time', async () => {
    place.a.fill('tiny', { count: 10_000, key: name, size: () => 4 * KiB })
    place.a.hooks = {
      beforeRequest: ({ operation }) => (operation === 'GetObject' ? { delayMs: 500 } : null),
    }
    const { peak, status } = await peakOf('tiny', 100, ...copy('tiny', '128M', '--concurrency', '1024'))
    place.a.hooks = {}
    expect(status).toBe(0)
    expect(peak).toBeLessThan(128 * MiB + runtime)
  })

  it('with thirty huge ones from a fast source to a slow destination', async () => {
    place.a.fill('huge', { count: 30, key: name, size: () => 4096 * MiB })
    const endpoint = await slowWayTo(place.b.url, 4 * MiB)
    const { peak } = await peakOf('huge', 15, ...copy('huge', '64M', '--destination-endpoint', endpoint))
    expect(peak).toBeLessThan(64 * MiB + runtime)
  })

  it('with objects that are held whole, and a slow destination', async () => {
    place.a.fill('middling', { count: 1_000, key: name, size: () => MiB })
    const endpoint = await slowWayTo(place.b.url, 4 * MiB)
    const { peak } = await peakOf(
      'middling',
      15,
      ...copy('middling', '64M', '--destination-endpoint', endpoint),
    )
    expect(peak).toBeLessThan(64 * MiB + runtime)
  })

  it('with all of these together', async () => {
    const size = (i: number) => (i % 300 === 7 ? 4096 * MiB : i % 10 === 3 ? MiB : 4 * KiB)
    place.a.fill('mix', { count: 9_000, key: name, size: (key) => size(Number(key.slice(2))) })
    const endpoint = await slowWayTo(place.b.url, 8 * MiB)
    const { peak } = await peakOf('mix', 20, ...copy('mix', '128M', '--destination-endpoint', endpoint))
    expect(peak).toBeLessThan(128 * MiB + runtime)
  })
})
