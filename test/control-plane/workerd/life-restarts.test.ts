/** A migration whose object is restarted between any two steps of its life, and in the middle of each. */
import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { outcomeOf } from '../../support/scripted-agent.ts'
import { objectOf, prepare } from './inside.ts'
import { answer, ask, equal, following, halfway, nextPass, put, read, until } from './living.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

/** The object forgets all that it has not stored. What it was in the middle of goes on when it is asked anything. */
const restart = (id: string) => evictDurableObject(objectOf(id))

it('goes on with a first pass that it was in the middle of', async () => {
  await put('begins')
  await ask('begins', 'start')
  // Perhaps in the middle of beginning it.
  await restart('begins')
  await until('begins', ({ pass }) => pass === 1)
  const { agent, packet } = await halfway('begins')
  await restart('begins')
  expect((await read('begins')).state).toBe('backfilling')
  await agent.ask(outcomeOf(packet, 0, equal(2)(packet)))
  await restart('begins')
  const life = await until('begins', ({ state }) => state === 'following')
  expect(life).toMatchObject({ pass: 1, lag: { age: 0, of: 'nothing' } })
  expect((await nextPass('begins')).number).toBe(2)
})

it('comes through every step of a cut-over, and of the way back', async () => {
  const id = 'steps'
  await following(id)
  for (const [deed, to] of [
    ['cut-over', 'cut-over'],
    ['roll-back', 'rolled-back'],
  ] as const) {
    await ask(id, deed)
    await restart(id)
    await nextPass(id)
    await restart(id)
    await until(id, ({ checks }) => checks.some(({ step, state }) => step === 'freeze' && state === 'asks'))
    await answer(id, 'freeze', { do: 'declare' })
    await restart(id)
    const passes = []
    for (let i = 0; i < 4; i++) {
      const pass = await nextPass(id)
      passes.push(`${pass.options.kind} ${pass.options.direction}`)
      await restart(id)
    }
    const way = deed === 'cut-over' ? 'forward' : 'back'
    expect(passes).toEqual([`copy ${way}`, `verify ${way}`, `verify ${way}`, `verify ${way}`])
    const { certificate, checks } = await until(id, ({ state }) => state === 'ready')
    expect(certificate?.pass).toBe(checks.find(({ step }) => step === 'verification')?.pass)
    await restart(id)
    expect((await ask(id, 'switch')).state).toBe(to)
    await restart(id)
    await nextPass(id)
  }
  const { history } = await read(id)
  expect(history.map(({ state }) => state).reverse()).toEqual([
    ...['surveying', 'backfilling', 'following', 'verifying', 'ready', 'cut-over'],
    ...['verifying', 'ready', 'rolled-back'],
  ])
})
