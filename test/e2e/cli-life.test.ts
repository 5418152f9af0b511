/** The life of the command: interrupted and resumed, alone on its state, gone without a trace, and up for others to use. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { descendants, resultOf, run, start } from '../support/dray.ts'

// The machine may be busy with other suites; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 90_000 })

const objects = 1_500
let work: string
let server: S3Server
let env: Record<string, string>
/** Called at each object that is written; a promise holds that write. */
let onPut: (nth: number) => Promise<void> | void

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'dray-life-'))
  server = await startS3Server({ credentials: { KEY: 'secret' } })
  server.fill('from', { count: objects, key: (i) => `key-${String(i).padStart(5, '0')}`, size: () => 100 })
  server.createBucket('to')
  onPut = () => {}
  server.hooks = {
    beforeRequest: async ({ operation, nth }) => {
      if (operation === 'PutObject') await onPut(nth)
      return null
    },
  }
  env = {
    AWS_ACCESS_KEY_ID: 'KEY',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL: server.url.href,
    AWS_CONFIG_FILE: join(work, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(work, 'none'),
    DRAY_STATE_DIR: join(work, 'state'),
  }
})
afterEach(async () => {
  await server.stop()
  rmSync(work, { recursive: true, force: true })
})

const copy = ['copy', 's3://from', 's3://to', '--json']

/** Lets `n` objects through and holds all others; resolves when the first of those is there. */
function holdAfter(n: number): { reached: Promise<void>; release(): void } {
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  onPut = (nth) => {
    if (nth <= n) return
    reached.resolve()
    return held.promise
  }
  return {
    reached: reached.promise,
    release() {
      onPut = () => {}
      held.resolve()
    },
  }
}

async function gone(pids: number[]): Promise<void> {
  const living = () => pids.filter((pid) => existsSync(`/proc/${pid}`) && !isZombie(pid))
  while (living().length > 0) await new Promise((resolved) => setTimeout(resolved, 20))
}

function isZombie(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).length === 0
  } catch {
    return true
  }
}

describe.runIf(process.platform === 'linux')('a copy', () => {
  it('gives way to Ctrl-C at once, leaves nothing running, and is resumed by the same command', async () => {
    const hold = holdAfter(600)
    const { child, ended } = start(copy, env)
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
    const again = await run(copy, env)
    expect(again.stderr).toMatch(/^resuming: /)
    const { state, pass, objects: counted } = resultOf(again)
    expect({ state, pass }).toEqual({ state: 'complete', pass: 1 })
    expect(counted.listed).toBe(objects)
    expect(counted.same + counted.copied).toBe(objects)
    expect([...server.objects('to')]).toHaveLength(objects)
  })

  it('ends at once at a second signal', async () => {
    const hold = holdAfter(10)
    const { child, ended } = start(copy, env)
    await hold.reached
    child.kill('SIGTERM')
    const nudge = setInterval(() => child.kill('SIGTERM'), 450)
    expect((await ended).status).toBe(130)
    clearInterval(nudge)
    hold.release()
  })

  it('survives a kill -9 of workerd, and is survived by nothing at its own', async () => {
    let hold = holdAfter(600)
    const { child, ended } = start(copy, env)
    await hold.reached
    const workerd = () => descendants(child.pid!).filter(({ command }) => command.includes('workerd'))
    for (const { pid } of workerd()) process.kill(pid, 'SIGKILL')
    hold.release()
    const survived = await ended
    expect(survived.status, survived.stderr).toBe(0)
    expect(resultOf(survived).objects.listed).toBe(objects)

    for (const { key } of [...server.objects('to')].slice(0, 700)) server.delete('to', key)
    hold = holdAfter(objects + 50)
    const second = start(copy, env)
    await hold.reached
    const family = descendants(second.child.pid!).map(({ pid }) => pid)
    second.child.kill('SIGKILL')
    await second.ended
    await gone(family)
    hold.release()
    const third = await run(copy, env)
    expect(third.stderr).toMatch(/^resuming: /)
    expect(resultOf(third)).toMatchObject({
      state: 'complete',
      pass: 2,
      objects: { listed: objects, failed: 0 },
    })
    expect([...server.objects('to')]).toHaveLength(objects)
  })

  it('is alone on its state, and shows itself to whoever looks', async () => {
    const hold = holdAfter(10)
    const { child, ended } = start(copy, env)
    await hold.reached
    const second = await run(copy, env)
    expect(second.status).toBe(2)
    expect(second.stderr).toContain(`another Dray (dray copy, pid ${child.pid}, since `)
    const look = await run(['migrations', '--json'], env)
    expect(look.status, look.stderr).toBe(0)
    const [migration] = JSON.parse(look.stdout).migrations
    expect(migration).toMatchObject({ source: { bucket: 'from' }, destination: { bucket: 'to' } })
    hold.release()
    expect(resultOf(await ended).migration).toBe(migration.id)
    expect((await run(['migration', migration.id], env)).stdout).toMatch(/^pass +1: copy, complete$/m)
  })

  it('moves nothing but what it was asked to, and makes way for other options', async () => {
    const hold = holdAfter(10)
    const { child, ended } = start(copy, env)
    await hold.reached
    child.kill('SIGINT')
    await ended
    hold.release()
    const before = [...server.objects('to')].length
    server.createBucket('elsewhere')
    await server.put('other', 'x', 'x')
    const other = await run(['copy', 's3://other', 's3://elsewhere', '--json'], env)
    expect(resultOf(other)).toMatchObject({ state: 'complete', objects: { listed: 1, copied: 1 } })
    expect([...server.objects('to')].length).toBeLessThanOrEqual(before + 32)

    const dry = await run([...copy, '--dry-run'], env)
    expect(dry.stderr).toMatch(/^counting/)
    expect(resultOf(dry)).toMatchObject({ pass: 2, state: 'complete', objects: { listed: objects } })
  })
})

it('is up until it is told to stop, for agents with the right token', async () => {
  const up = spawn(process.execPath, [resolve('agent/main.ts'), 'up', '--port', '0'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(up.stdout.setEncoding('utf8'), 'data')) as [string]
  const url = /^Dray is up at (http:\S+)$/m.exec(said)![1]!
  const state = { DRAY_STATE_DIR: join(work, 'second') }
  const wrong = await run(['agent', '--control-plane', url, '--token', 'wrong'], { ...env, ...state })
  expect(wrong.status).toBe(2)
  expect(wrong.stderr).toContain('does not know this agent token')

  const tokens = join(work, 'state', 'tokens.json')
  const agent = start(['agent', '--control-plane', url, '--token-file', tokens], { ...env, ...state })
  await once(agent.child.stdout!, 'data')
  agent.child.kill('SIGTERM')
  expect((await agent.ended).status).toBe(0)
  up.kill('SIGINT')
  expect(await once(up, 'exit')).toEqual([130, null])
})
