import { expect, it } from 'vitest'
import { openDoing } from '../../agent/session/doing.ts'

it('tells what was moved since it was told last, while anything is done, and once that nothing is', () => {
  let now = 0
  let total = { packets: 2, objects: 5, bytes: 100 }
  const sessions = new Map([['photos', { doing: () => total }]])
  const tell = openDoing(sessions, () => now)
  const told = (ms: number, packets: number, objects: number, bytes: number) => ({
    ...{ t: 'doing', ms, migrations: [{ id: 'photos', packets, objects, bytes }] },
  })
  now = 5_000
  expect(tell()).toEqual(told(5_000, 2, 5, 100))
  now = 9_000
  total = { packets: 1, objects: 7, bytes: 150 }
  expect(tell()).toEqual(told(4_000, 1, 2, 50))
  // It began an object anew.
  total = { packets: 1, objects: 7, bytes: 120 }
  expect(tell()).toEqual(told(1, 1, 0, 0))
  total = { ...total, packets: 0 }
  expect(tell()).toEqual({ t: 'doing', ms: 1, migrations: [] })
  expect(tell()).toBe(null)
  sessions.clear()
  expect(tell()).toBe(null)
})
