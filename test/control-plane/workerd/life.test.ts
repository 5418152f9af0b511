import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { objectOf, prepare } from './inside.ts'
import { answer, ask, following, nextPass, put, read, refusal, until } from './living.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

describe('a migration that is started', () => {
  it('surveys, backfills, and follows by passes', async () => {
    await put('begun')
    expect(await read('begun')).toMatchObject({ state: 'draft', revision: 0, commands: ['start'] })
    await ask('begun', 'start')
    await until('begun', ({ pass }) => pass === 1)
    const first = await nextPass('begun')
    expect(first.options).toMatchObject({
      kind: 'copy',
      remember: 'all',
      conflicts: 'overwrite',
      direction: 'forward',
    })
    const life = await until('begun', ({ state }) => state === 'following')
    expect(life.history.map(({ state }) => state)).toEqual(['following', 'backfilling', 'surveying'])
    expect(life.next?.at).toBeGreaterThan(Date.now())
    expect((await nextPass('begun')).number).toBe(2)
  })
})

/** Through the checklist, with nothing in the way. */
async function throughChecklist(id: string): Promise<void> {
  // One that follows, so that little is left for after the freeze.
  expect((await nextPass(id)).options.kind).toBe('copy')
  await until(id, ({ checks }) => checks.some(({ step, state }) => step === 'freeze' && state === 'asks'))
  await answer(id, 'freeze', { do: 'declare' })
  for (const kind of ['copy', 'verify', 'verify', 'verify'])
    expect((await nextPass(id)).options.kind).toBe(kind)
  await until(id, ({ state }) => state === 'ready')
}

it('goes all the way: forward, back, and again forward', async () => {
  await following('whole')
  await ask('whole', 'cut-over')
  await throughChecklist('whole')
  expect(await ask('whole', 'switch')).toMatchObject({ state: 'cut-over', direction: 'back', checks: [] })
  const back = await nextPass('whole')
  expect(back.options).toMatchObject({ direction: 'back', conflicts: 'park', remember: 'all' })
  await ask('whole', 'roll-back')
  await throughChecklist('whole')
  expect(await ask('whole', 'switch')).toMatchObject({ state: 'rolled-back', direction: 'forward' })
  const again = await nextPass('whole')
  expect(again.options).toMatchObject({ direction: 'forward', conflicts: 'park' })
  await ask('whole', 'cut-over')
  await evictDurableObject(objectOf('whole'))
  await throughChecklist('whole')
  await ask('whole', 'switch')
  const closed = await ask('whole', 'close')
  expect(closed).toMatchObject({ state: 'closed', next: null })
  expect((await refusal('whole', 'passes', {})).detail).toMatch(/the application is at the destination/)
})
