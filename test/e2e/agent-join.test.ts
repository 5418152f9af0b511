/** Real agents by the command line, against a control plane on a real workerd: join, run, copy; revoked, twice there, left. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AgentView } from '../../shared/api/agents.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { noFilter } from '../../shared/policy.ts'
import { type Ended, type Running, run, start } from '../support/dray.ts'
import { type Plane, startPlane } from '../support/plane.ts'

let root: string
let plane: Plane
const running: Running[] = []
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'dray-join-'))
  for (const name of ['data', 'out', 'secret']) mkdirSync(join(root, name))
  writeFileSync(join(root, 'data', 'a.txt'), 'a')
  plane = await startPlane()
})
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  await plane.stop()
  rmSync(root, { recursive: true, force: true })
})

const state = (name: string) => join(root, name)
const operator = () => ['--control-plane', plane.url.href, '--token', plane.token]
const dray = (name: string, ...args: string[]) => run([...args, '--state-dir', state(name)])

async function good(ended: Promise<Ended>): Promise<Ended> {
  const { status, ...rest } = await ended
  expect({ status, ...rest }).toMatchObject({ status: 0 })
  return { status, ...rest }
}

/** `dray agent run`, once it is connected. */
async function works(name: string): Promise<Running> {
  const agent = start(['agent', 'run', '--state-dir', state(name)])
  running.push(agent)
  await Promise.race([
    new Promise<void>((resolve) => {
      agent.child.stdout!.on('data', (text: string) => {
        if (text.includes('works for')) resolve()
      })
    }),
    agent.ended.then((ended) => {
      throw new Error(JSON.stringify(ended))
    }),
  ])
  return agent
}

async function pass(id: string, source: string, destination: string): Promise<PassStatus> {
  const at = (path: string) => ({ kind: 'file', path: join(root, path), site: 'paris' })
  const path = `/api/workspaces/local/migrations/${id}`
  await plane.api('PUT', path, { source: at(source), destination: at(destination), filter: noFilter })
  await plane.api('POST', `${path}/passes`, {})
  for (;;) {
    const { json } = await plane.api<PassStatus>('GET', `${path}/passes/1`)
    if (json.state !== 'running' || json.packets.parked > 0) return json
    await sleep(20)
  }
}

it('joins a site, works there within its allow-list, and is sent away for good', async () => {
  await good(run(['site', 'create', 'paris', '--region', 'eu-west-3', ...operator()]))
  const token = (await good(run(['site', 'token', 'paris', '--uses', '2', ...operator()]))).stdout.trim()
  expect(token).toMatch(/^drayjoin_local_paris_/)
  writeFileSync(join(root, 'token'), `${token}\n`, { mode: 0o600 })
  const joining = (name: string, ...more: string[]) =>
    dray(name, 'agent', 'join', plane.url.href, '--token-file', join(root, 'token'), '--name', name, ...more)

  const may = ['--allow', join(root, 'data'), '--allow', join(root, 'out')]
  const first = await good(joining('paris-1', ...may))
  expect(first.stdout).toContain(`made the site's root key: ${join(state('paris-1'), 'site-root.json')}`)
  for (const file of ['identity.json', 'site-root.json', 'allow']) {
    expect(statSync(join(state('paris-1'), file)).mode & 0o777).toBe(0o600)
  }
  const secrets = readFileSync(join(state('paris-1'), 'identity.json'), 'utf8')
  expect(first.stdout + first.stderr).not.toContain(JSON.parse(secrets).signing.private)
  expect((await joining('paris-1')).stderr).toContain('is of the agent paris-1 of site paris')

  // The second one is certified by the root key that the first has made.
  const second = await good(joining('paris-2', '--root', join(state('paris-1'), 'site-root.json')))
  expect(second.stdout).toContain('It may touch nothing yet.')
  expect((await joining('paris-3')).stderr).toContain('the join token was used 2 times')

  const agent = await works('paris-1')
  expect(await pass('allowed', 'data', 'out')).toMatchObject({
    state: 'complete',
    counts: { objects: { copied: 1 } },
  })
  expect(readFileSync(join(root, 'out', 'a.txt'), 'utf8')).toBe('a')
  expect(await pass('denied', 'secret', 'out')).toMatchObject({
    errors: [
      { error: { code: 'access-denied', hint: expect.stringContaining(join(root, 'secret')) }, parked: 1 },
    ],
  })

  const listed = await good(run(['agents', '--json', ...operator()]))
  const [view] = (JSON.parse(listed.stdout) as { agents: AgentView[] }).agents
  expect(view).toMatchObject({
    id: 'paris-1',
    connected: true,
    facts: { platform: `${process.platform} ${process.arch}` },
  })
  expect(view!.certificate).not.toBeNull()

  // A copy of its state directory: the one that began later stays.
  cpSync(state('paris-1'), state('copied'), { recursive: true })
  const copy = await works('copied')
  expect(await agent.ended).toMatchObject({ status: 3, stderr: expect.stringContaining('began later') })
  expect((await good(run(['agents', ...operator()]))).stdout).toContain(
    'Two processes had the identity of paris-1',
  )

  await good(run(['agent', 'revoke', 'paris-1', ...operator()]))
  expect(await copy.ended).toMatchObject({ status: 3, stderr: expect.stringContaining('revoked this agent') })
  expect(await dray('paris-1', 'agent', 'run')).toMatchObject({ status: 3 })

  const other = await works('paris-2')
  await good(run(['agent', 'drain', 'paris-2', ...operator()]))
  expect(await other.ended).toMatchObject({ status: 0 })
  await good(dray('paris-2', 'agent', 'leave'))
  expect(existsSync(join(state('paris-2'), 'identity.json'))).toBe(false)
  expect(await dray('paris-2', 'agent', 'run')).toMatchObject({ status: 2 })
}, 60_000)
