import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openPlaces } from '../../agent/runner/places.ts'
import type { Runner } from '../../agent/runner/runner.ts'
import type { LeasedPacket } from '../../shared/protocol.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Counts what it was given, and does nothing. */
function runnerOf(places: number) {
  let taken = 0
  let tell = () => {}
  const runner = {
    places,
    free: () => places - taken,
    take(packets: readonly LeasedPacket[]) {
      taken += packets.length
    },
    weigh() {},
    stop: async () => {},
    isOpen: true,
  }
  const start = (changed: () => void) => {
    tell = changed
    return runner as unknown as Runner
  }
  const end = () => {
    taken--
    tell()
  }
  return { start, end }
}
const packets = (n: number) => Array.from({ length: n }, () => ({}) as LeasedPacket)

describe('the places of an agent', () => {
  it('are all one migration’s while it is alone', () => {
    const places = openPlaces()
    expect(places.join(runnerOf(8).start, 1, () => {}).free()).toBe(8)
  })

  it('are divided by weight, and not taken away from whoever has them', () => {
    const places = openPlaces()
    const changed = vi.fn()
    const { start, end } = runnerOf(10)
    const first = places.join(start, 4, changed)
    first.take(packets(10))
    const second = places.join(runnerOf(10).start, 16, () => {})
    expect(changed).toHaveBeenCalled()
    expect([first.free(), second.free()]).toEqual([0, 8])
    for (let i = 0; i < 8; i++) end()
    expect(first.free()).toBe(0)
    end()
    expect(first.free()).toBe(1)
  })

  it('are the others’ while nothing is ready for one, until something is', async () => {
    const places = openPlaces()
    const changed = vi.fn()
    const busy = places.join(runnerOf(10).start, 4, changed)
    const idle = places.join(runnerOf(10).start, 4, () => {})
    busy.take(packets(5))
    expect([busy.free(), idle.free()]).toEqual([0, 5])
    changed.mockClear()
    vi.advanceTimersByTime(1_000)
    expect(changed).toHaveBeenCalled()
    expect([busy.free(), idle.free()]).toEqual([4, 1])
    busy.take(packets(4))
    idle.take(packets(1))
    expect([busy.free(), idle.free()]).toEqual([0, 4])
  })

  it('are the others’ one by one, as one that has nothing more ends what it has', () => {
    const places = openPlaces()
    const changed = vi.fn()
    const busy = places.join(runnerOf(8).start, 1, changed)
    const { start, end } = runnerOf(8)
    const ending = places.join(start, 1, () => {})
    busy.take(packets(4))
    ending.take(packets(3))
    expect([busy.free(), ending.free()]).toEqual([0, 1])
    vi.advanceTimersByTime(1_000)
    changed.mockClear()
    end()
    expect(changed).toHaveBeenCalled()
    expect(busy.free()).toBe(1)
  })

  it('are the others’ when a migration is over', async () => {
    const places = openPlaces()
    const stays = places.join(runnerOf(8).start, 1, () => {})
    const goes = places.join(runnerOf(8).start, 16, () => {})
    expect(stays.free()).toBe(1)
    await goes.stop()
    expect(stays.free()).toBe(8)
  })
})
