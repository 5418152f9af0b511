import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startAgent } from '../../../agent/agent.ts'
import { allowAll } from '../../../agent/allow/allow-list.ts'
import { type ControlPlane, startControlPlane } from '../../../agent/embed/control-plane.ts'
import { type PassStatus, passStatusSchema } from '../../../shared/api/migrations.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-upgrade-'))
const stateDir = join(root, 'state')
const source = join(root, 'source')
const destination = join(root, 'destination')
const names = Array.from({ length: 60 }, (_, i) => `a${String(i).padStart(2, '0')}`)
const content = (name: string) => `of ${name}`.padEnd(10, '.')
const when = new Date(1_700_000_000_000)

function put(directory: string, name: string): void {
  writeFileSync(join(directory, name), content(name))
  utimesSync(join(directory, name), when, when)
}

/** The SQLite files of the fixture, where they were. */
function restore(): void {
  const text = readFileSync(join(import.meta.dirname, 'protocol-2.sql'), 'utf8')
    .replaceAll('@SOURCE@', source.slice(1))
    .replaceAll('@DESTINATION@', destination.slice(1))
  for (const [, path, sql] of text.matchAll(/^-- FILE (.+)\n((?:(?!-- ).+\n)+)/gm)) {
    const file = join(stateDir, path!)
    mkdirSync(dirname(file), { recursive: true })
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: false })
    database.exec(`PRAGMA journal_mode = WAL; BEGIN; ${sql}; COMMIT`)
    database.close()
  }
  const tokens = { operator: 'an-operator-token-of-old', agent: 'an-agent-token-of-old-days' }
  writeFileSync(join(stateDir, 'tokens.json'), JSON.stringify(tokens))
  // Who had the leases, and comes back as a newer process.
  mkdirSync(join(stateDir, 'agent'))
  writeFileSync(join(stateDir, 'agent', 'identity.json'), '{"id":"old-agent"}')
}

let plane: ControlPlane
beforeAll(async () => {
  for (const directory of [source, destination]) mkdirSync(directory)
  for (const name of names) put(source, name)
  // What the packet that is done had copied.
  for (const name of names.slice(0, 10)) put(destination, name)
  restore()
  plane = await startControlPlane({ stateDir })
})
afterAll(async () => {
  await plane.stop()
  rmSync(root, { recursive: true })
})

const pass = async (): Promise<PassStatus> => {
  const path = '/api/workspaces/local/migrations/living/passes/1'
  const response = await fetch(new URL(path, plane.url), {
    headers: { authorization: `Bearer ${plane.token}` },
  })
  expect(response.status).toBe(200)
  return passStatusSchema.parse(await response.json())
}

it('a pass that was running under the previous version is there, with all that was done', async () => {
  expect(plane.token).toBe('an-operator-token-of-old')
  const { state, counts, packets } = await pass()
  expect({ state, listed: counts.objects.listed, packets }).toEqual({
    ...{ state: 'running', listed: 10 },
    packets: { ready: 3, leased: 2, done: 2, parked: 0, settled: 0 },
  })
})

it('goes on with agents of this version to its end, and nothing is counted or copied twice', async () => {
  const agent = startAgent({
    ...{ url: plane.url, identity: plane.identity, allow: allowAll, stateDir, version: '0.2.0' },
    ...{ concurrency: 4, memory: 256 * 2 ** 20, log: () => {} },
  })
  try {
    const ended = await vi.waitFor(
      async () => {
        const now = await pass()
        expect(now.state).not.toBe('running')
        return now
      },
      { timeout: 19_000, interval: 100 },
    )
    expect(ended.state).toBe('complete')
    expect(ended.counts.objects).toMatchObject({ listed: 60, copied: 60, failed: 0 })
    expect(ended.packets).toMatchObject({ ready: 0, leased: 0, parked: 0 })
    expect(readdirSync(destination).filter((name) => !name.startsWith('.'))).toEqual(names)
    for (const name of names) expect(readFileSync(join(destination, name), 'utf8')).toBe(content(name))
  } finally {
    await agent.stop()
  }
})
