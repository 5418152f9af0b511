/** The life of the command: interrupted and resumed, alone on its state, gone without a trace, and up for others to use. */
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it, type TestContext, vi } from 'vitest'
import { descendants, resultOf, start } from '../support/dray.ts'
import { type Stage, stage } from './cli-stage.ts'

// The machine may be busy with other suites; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 90_000 })

const objects = 1_500
const copy = ['copy', 's3://from', 's3://to', '--json']

async function filledStage(context: TestContext): Promise<Stage> {
  const filled = await stage(context)
  filled.server.fill('from', {
    count: objects,
    key: (i) => `key-${String(i).padStart(5, '0')}`,
    size: () => 100,
  })
  filled.server.createBucket('to')
  return filled
}

async function gone(pids: number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolved) => setTimeout(resolved, 20))
}

/** What has ended may wait for its new parent to take note of it; then it holds no files any more. */
function isAlive(pid: number): boolean {
  try {
    return existsSync(`/proc/${pid}`) && readdirSync(`/proc/${pid}/fd`).length > 0
  } catch {
    return false
  }
}

describe.runIf(process.platform === 'linux')('a copy', { concurrent: true }, () => {
  it('gives way to Ctrl-C at once, leaves nothing running, and is resumed by the same command', async (context) => {
    const { server, holdAfter, start, run } = await filledStage(context)
    const hold = holdAfter(600)
    const { child, ended } = start(...copy)
    await hold.reached
    const family = descendants(child.pid!).map(({ pid }) => pid)
    expect(family.length).toBeGreaterThan(0)
    child.kill('SIGINT')
    const first = await ended
    expect(first.status).toBe(130)
    expect(first.stdout).toBe('')
    expect(first.stderr).toContain('the same command goes on from here')
    await gone(family)

    hold.release()
    const again = await run(...copy)
    expect(again.stderr).toMatch(/^resuming: /)
    const { state, pass, objects: counted } = resultOf(again)
    expect({ state, pass }).toEqual({ state: 'complete', pass: 1 })
    expect(counted.listed).toBe(objects)
    expect(counted.same + counted.copied).toBe(objects)
    expect([...server.objects('to')]).toHaveLength(objects)
  })

  it('survives a kill -9 of workerd, and is survived by nothing at its own', async (context) => {
    const { server, holdAfter, start, run } = await filledStage(context)
    let hold = holdAfter(600)
    const first = start(...copy)
    await hold.reached
    for (const { pid } of descendants(first.child.pid!)) process.kill(pid, 'SIGKILL')
    hold.release()
    const survived = await first.ended
    expect(survived.status, survived.stderr).toBe(0)
    expect(resultOf(survived).objects.listed).toBe(objects)

    for (const { key } of [...server.objects('to')].slice(0, 700)) server.delete('to', key)
    hold = holdAfter(50)
    const second = start(...copy)
    await hold.reached
    const family = descendants(second.child.pid!).map(({ pid }) => pid)
    second.child.kill('SIGKILL')
    await second.ended
    await gone(family)
    hold.release()
    const third = await run(...copy)
    expect(third.stderr).toMatch(/^resuming: /)
    expect(resultOf(third)).toMatchObject({
      state: 'complete',
      pass: 2,
      objects: { listed: objects, failed: 0 },
    })
    expect([...server.objects('to')]).toHaveLength(objects)
  })

  it('is alone on its state, and shows itself to whoever looks', async (context) => {
    const { holdAfter, start, run } = await filledStage(context)
    const hold = holdAfter(10)
    const { child, ended } = start(...copy)
    await hold.reached
    const second = await run(...copy)
    expect(second.status).toBe(2)
    expect(second.stderr).toContain(`another Dray (dray copy, pid ${child.pid}, since `)
    const look = await run('migrations', '--json')
    expect(look.status, look.stderr).toBe(0)
    const [migration] = JSON.parse(look.stdout).migrations
    expect(migration).toMatchObject({ source: { bucket: 'from' }, destination: { bucket: 'to' } })
    hold.release()
    expect(resultOf(await ended).migration).toBe(migration.id)
    expect((await run('migration', migration.id)).stdout).toMatch(/^pass +1: copy, complete$/m)
  })

  it('moves nothing but what it was asked to, and makes way for other options', async (context) => {
    const { server, holdAfter, start, run, json } = await filledStage(context)
    const hold = holdAfter(10)
    const { child, ended } = start(...copy, '--concurrency', '16')
    await hold.reached
    child.kill('SIGTERM')
    expect((await ended).status).toBe(130)
    hold.release()
    const before = [...server.objects('to')].length
    server.createBucket('elsewhere')
    await server.put('other', 'x', 'x')
    const other = await json('copy', 's3://other', 's3://elsewhere')
    expect(other.result).toMatchObject({ state: 'complete', objects: { listed: 1, copied: 1 } })
    expect([...server.objects('to')].length).toBeLessThanOrEqual(before + 16)

    const dry = await run(...copy, '--dry-run')
    expect(dry.stderr).toMatch(/^counting/)
    expect(resultOf(dry)).toMatchObject({ pass: 2, state: 'complete', objects: { listed: objects } })
  })

  it('is up until it is told to stop, and agents join it', async (context) => {
    const { at, env, start: startHere } = await stage(context)
    const up = startHere('up', '--port', '0')
    const [said] = (await once(up.child.stdout!, 'data')) as [string]
    const url = /^Dray is up at (http:\S+)$/m.exec(said)![1]!
    const elsewhere = { ...env, DRAY_STATE_DIR: at('second') }
    const join = (token: string) => start(['agent', 'join', url, '--token', token], elsewhere).ended
    const wrong = await join(`drayjoin_local_local_${'x'.repeat(43)}`)
    expect(wrong.status).toBe(2)
    expect(wrong.stderr).toContain('the join token is unknown')

    const { stdout: listed } = await start(['agents', '--json'], env).ended
    const [own] = (JSON.parse(listed) as { agents: { id: string }[] }).agents
    const revoked = await start(['agent', 'revoke', own!.id], env).ended
    expect(revoked.stderr).toContain('is the agent of this control plane itself')

    const { stdout: token } = await start(['site', 'token', 'local'], env).ended
    expect(await join(token.trim())).toMatchObject({ status: 0 })
    const agent = start(['agent', 'run'], elsewhere)
    await once(agent.child.stdout!, 'data')
    agent.child.kill('SIGTERM')
    expect((await agent.ended).status).toBe(0)
    up.child.kill('SIGINT')
    expect((await up.ended).status).toBe(130)
  })
})
