/** `npm run dray`: npm and a shell stand between whoever sends a signal and us. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { expect, it, type TestContext, vi } from 'vitest'
import { descendants } from '../support/dray.ts'
import { stage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 90_000 })

const packageRoot = resolve(import.meta.dirname, '../..')

async function copying(
  context: TestContext,
  signal: NodeJS.Signals,
): Promise<{ status: number | null; left: () => number }> {
  const held = await stage(context)
  held.server.fill('from', { count: 300, key: (i) => `key-${i}`, size: () => 10 })
  held.server.createBucket('to')
  const hold = held.holdAfter(10)
  const npm: ChildProcess = spawn('npm', ['run', '--silent', 'dray', '--', 'copy', 's3://from', 's3://to'], {
    cwd: packageRoot,
    env: { ...process.env, ...held.env },
    stdio: 'ignore',
  })
  await hold.reached
  const family = descendants(npm.pid!).map(({ pid }) => pid)
  expect(family.length).toBeGreaterThan(1)
  npm.kill(signal)
  const [status] = await once(npm, 'exit')
  context.onTestFinished(hold.release)
  return { status, left: () => family.filter(isAlive).length }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it.concurrent.for(['SIGINT', 'SIGTERM'] as const)(
  '%s to npm alone interrupts the copy',
  async (signal, context) => {
    const { status, left } = await copying(context, signal)
    expect(status).toBe(130)
    await vi.waitUntil(() => left() === 0, { timeout: 30_000 })
  },
)

it.concurrent('a kill -9 of npm alone leaves no copy behind', async (context) => {
  const { left } = await copying(context, 'SIGKILL')
  await vi.waitUntil(() => left() === 0, { timeout: 30_000 })
})
