/** Two migrations at one agent: how many packets it asks for of each. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { identityOf } from '../support/identities.ts'
import { type Connection, type ScriptedPlane, startScriptedPlane } from './scripted-plane.ts'

let plane: ScriptedPlane
let agent: Agent
let stateDir: string
beforeEach(async () => {
  plane = await startScriptedPlane()
  plane.assign(['m', 'n'])
  stateDir = await mkdtemp(join(tmpdir(), 'dray-agent-'))
  agent = startAgent({
    url: plane.url,
    identity: await identityOf('agent-1'),
    allow: allowAll,
    stateDir,
    version: 'test',
    // Eight packets at once.
    concurrency: 32,
    memory: 4 * leastBudget,
    openStorage: async () => memoryStorage(),
    log() {},
  })
})
afterEach(async () => {
  await agent.stop()
  await plane.stop()
  await rm(stateDir, { recursive: true, force: true })
})

const lastFree = ({ said }: Connection) =>
  said.flatMap((message) => (message.t === 'free' ? [message.n] : [])).at(-1)

it('an agent shares its places by weight, and by another one when that is changed', async () => {
  const first = await plane.connection()
  first.welcome()
  await first.hear('free', ({ n }) => n === 8)
  const second = await plane.connection()
  second.welcome()
  await second.hear('free', ({ n }) => n === 4)
  await first.hear('free', ({ n }) => n === 4)
  plane.assign([
    { id: 'm', weight: 16 },
    { id: 'n', weight: 4 },
  ])
  const both = [first, second]
  await Promise.race(both.map((connection) => connection.hear('free', ({ n }) => n === 6)))
  await Promise.race(both.map((connection) => connection.hear('free', ({ n }) => n === 2)))
  expect(both.map(lastFree).toSorted()).toEqual([2, 6])
  plane.assign(['m'])
  await Promise.race(both.map(({ closed }) => closed))
  const stays = both.find(({ socket }) => socket.readyState === socket.OPEN)!
  await stays.hear('free', ({ n }) => n === 8)
})
