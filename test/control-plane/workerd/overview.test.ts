import { beforeAll, describe, expect, it, vi } from 'vitest'
import { readOverview } from '../../../shared/api/overview.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import type { Key } from '../../../shared/key.ts'
import { cutOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, definition, json, prepare, toMigration } from './inside.ts'

beforeAll(prepare)

const at = '/api/workspaces/local'
const overview = async () => readOverview.answer.parse((await json('GET', `${at}/overview`)).body)
const named = async (query: string) => {
  const { body } = await json<{ migrations: { id: string }[] }>('GET', `${at}/migrations?${query}`)
  return body.migrations.map(({ id }) => id)
}

describe('a workspace at a glance', () => {
  it('tells what runs and waits, what ended incomplete, and what never began', async () => {
    await json('PUT', `${at}/migrations/glance-new`, definition)
    await begin('glance-runs')
    await begin('glance-failed')
    const agent = await toMigration('glance-failed')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, [null]))
    const [packet] = await agent.lease()
    const counts = zeroCounts()
    counts.objects.listed = counts.objects.failed = 1
    const failures = [{ key: 'k' as Key, code: 'access-denied', message: 'no', bytes: 1 }]
    await agent.ask(outcomeOf(packet!, 1, { counts, failures }))
    // The catalogue hears of it a little later.
    await vi.waitFor(async () => expect(await named('state=incomplete')).toEqual(['glance-failed']), {
      timeout: 15_000,
    })
    await vi.waitFor(async () => expect(await named('state=running')).toEqual(['glance-runs']), {
      timeout: 15_000,
    })
    expect(await named('state=new')).toEqual(['glance-new'])
    expect(await named('text=GLANCE-F')).toEqual(['glance-failed'])
    const known = await overview()
    expect(known.migrations).toEqual({ new: 1, running: 1, complete: 0, incomplete: 1, cancelled: 0 })
    expect(known.attention).toMatchObject([
      { is: 'waits', id: 'glance-runs' },
      { is: 'incomplete', id: 'glance-failed', failed: 1 },
    ])
    expect(known.running).toMatchObject([{ id: 'glance-runs', surveying: true, paused: false }])
    expect(known.latest.map(({ id }) => id).sort()).toEqual(['glance-failed', 'glance-new', 'glance-runs'])
  })
})
