/** People at the control plane that `dray up` starts; and none at that of `dray copy`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ControlPlane, startControlPlane } from '../../agent/embed/control-plane.ts'
import { firstOwner, password, Visitor } from '../support/visitor.ts'

let stateDir: string
let plane: ControlPlane

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'dray-people-'))
  plane = await startControlPlane({ stateDir, console: true })
})
afterAll(async () => {
  await plane?.stop()
  await rm(stateDir, { recursive: true, force: true })
})

it('knows its people again when it is started again', async () => {
  const owner = await firstOwner(plane.url, plane.setupToken)
  await plane.stop()
  plane = await startControlPlane({ stateDir, console: true })
  const again = new Visitor(plane.url)
  for (const [name, value] of owner.cookies) again.cookies.set(name, value)
  expect((await again.call('GET', '/api/me')).json).toMatchObject({ name: 'Olga', mustEnrol: false })
  expect((await again.call('GET', '/api/entry')).json).toEqual({ setup: false, oidc: null })
})

it('counts attempts whatever address they claim to come from', async () => {
  const statuses = new Set<number>()
  for (let i = 0; i < 11; i++) {
    const guess = { email: 'olga@example.com', password: `wrong guess ${i}…` }
    statuses.add((await new Visitor(plane.url).call('POST', '/api/auth/sign-in/email', guess)).status)
  }
  expect([...statuses]).toEqual([401, 429])
})

it('is given no people where it runs for one command', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dray-people-'))
  const brief = await startControlPlane({ stateDir: directory })
  try {
    const answer = await new Visitor(brief.url).call('POST', '/api/auth/sign-in/email', {
      email: 'olga@example.com',
      password,
    })
    expect([answer.status, answer.json.code]).toEqual([503, 'config'])
    const me = await fetch(new URL('/api/me', brief.url), {
      headers: { authorization: `Bearer ${brief.token}` },
    })
    expect(await me.json()).toMatchObject({ kind: 'machine' })
  } finally {
    await brief.stop()
    await rm(directory, { recursive: true, force: true })
  }
})
