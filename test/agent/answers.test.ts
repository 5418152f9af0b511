/** That an agent's answers come in time, and not too many at once. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { type AnswersOptions, openAnswers } from '../../agent/answers.ts'
import { inTime } from '../../agent/looking/in-time.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import type { Ask } from '../../shared/asks.ts'
import { noFilter } from '../../shared/policy.ts'

it('what does not answer is refused, with what to do, and told to end', async () => {
  let told: AbortSignal | null = null
  const never = inTime(10, 'look', (signal) => {
    told = signal
    return new Promise(() => {})
  })
  await expect(never).rejects.toMatchObject({ code: 'timeout', hint: expect.stringMatching(/try again/) })
  expect(told!.aborted).toBe(true)
})

it('what answers in time, or fails, does so', async () => {
  expect(await inTime(10_000, 'look', async () => 1)).toBe(1)
  await expect(inTime(10_000, 'look', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
})

it('looks at no more than eight places at once, and at others when those are done', async () => {
  const gate = Promise.withResolvers<void>()
  const storage = memoryStorage()
  const held: Storage = Object.assign(Object.create(storage), {
    async *list() {
      await gate.promise
      yield []
    },
  })
  const answer = openAnswers({
    ...{ allow: allowAll, env: {}, stateDir: '/nowhere', log: () => {}, open: async () => held },
    ...({ secrets: {}, lanes: {}, intents: {} } as unknown as Pick<
      AnswersOptions,
      'secrets' | 'lanes' | 'intents'
    >),
  })
  const location = { kind: 'file', path: '/x', site: 'here' } as const
  const ask: Ask = { kind: 'scan', location, filter: noFilter, after: null }
  const eight = Array.from({ length: 8 }, () => answer(ask))
  await turn()
  expect(await answer(ask)).toMatchObject({ kind: 'refused', error: { code: 'busy', retry: 'later' } })
  gate.resolve()
  expect((await Promise.all(eight)).map(({ kind }) => kind)).toEqual(Array(8).fill('scan'))
  expect((await answer(ask)).kind).toBe('scan')
})
