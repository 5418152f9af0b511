/** Where a migration's baseline is kept, as it is asked for, refused and told to agents; and what a pass back is told of uploads. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, expect, it } from 'vitest'
import type { Migration } from '../../../control-plane/migration.ts'
import type { MigrationView, Problem } from '../../../shared/api/migrations.ts'
import type { Key } from '../../../shared/key.ts'
import { defaultFollow } from '../../../shared/life.ts'
import type { Location } from '../../../shared/location.ts'
import { defaultPassOptions } from '../../../shared/policy.ts'
import { begin, definition, file, json, prepare, s3, toMigration } from './inside.ts'

beforeAll(prepare)

const at = (id: string) => `/api/workspaces/local/migrations/${id}`
const follow = (baseline: Location | null) => ({ ...defaultFollow, baseline })
const put = (id: string, baseline: Location, more: object = {}) =>
  json<MigrationView & Problem>('PUT', at(id), { ...definition, ...more, follow: follow(baseline) })

it('is told to agents, with what its connection says and without its sites', async () => {
  const connections = '/api/workspaces/local/connections'
  const made = await json('POST', connections, {
    ...{ id: 'ops', endpoint: 'https://s3.example.com', sites: ['here'] },
    credential: { kind: 'profile', profile: 'ops' },
  })
  expect(made.status).toBe(201)
  const baseline = { ...s3('ops'), prefix: 'dray/', connection: 'ops' } as Location
  expect((await put('placed', baseline)).status).toBe(201)
  await begin('placed', {}, { ...definition, follow: follow(baseline) } as never)
  const agent = await toMigration('placed')
  const welcome = await agent.hello('a')
  expect(welcome.baseline).toMatchObject({
    bucket: 'ops',
    prefix: 'dray/',
    endpoint: 'https://s3.example.com',
  })
  expect(welcome.baseline).not.toHaveProperty('sites')
  expect(welcome).not.toHaveProperty('follow')
  const deleted = await json<Problem>('DELETE', `${connections}/ops`)
  expect([deleted.status, deleted.body.detail]).toEqual([409, 'the connection ops is used by placed'])
})

it('is refused where it lies in what is moved, or where no agent reaches it', async () => {
  for (const [id, baseline] of [
    ['in-source', { ...s3('a'), prefix: 'x/' } as Location],
    ['in-destination', s3('b')],
  ] as const) {
    const { status, body } = await put(id, baseline)
    expect([status, body.detail]).toEqual([400, expect.stringMatching(/the baseline .* overlap/)])
  }
  const far = await put('far', file('/state', 'there'), { source: file('/data', 'here') })
  expect([far.status, far.body.detail]).toEqual([400, expect.stringMatching(/no agent reaches both/)])
  await json('PUT', at('edited'), definition)
  const edited = await json<Problem>('PATCH', at('edited'), { follow: follow(s3('a')) })
  expect([edited.status, edited.body.detail]).toEqual([400, expect.stringMatching(/overlap/)])
  expect((await json('PATCH', at('edited'), { follow: follow(s3('ops')) })).status).toBe(200)
})

it('a pass back is told nothing of uploads at the other side, and the next pass forward is', async () => {
  const object = await begin('uploads')
  const planned = {
    ...{
      source: { token: 'etag-2', size: 200, mtime: 1, version: null },
      boundaries: [[100, 2]],
      metadata: '',
    },
    ...{ asSource: true, hashing: false, packetBytes: 100 },
  }
  await runInDurableObject(object, (_, { storage }) =>
    storage.sql.exec(
      'INSERT INTO upload VALUES (1, 1, ?, ?, ?, 1, ?, NULL, 0)',
      ...['k' as Key, 'id', JSON.stringify(planned), '[]'],
    ),
  )
  const next = async (direction: 'forward' | 'back', name: string) => {
    const number = await object.lastPass()
    await object.cancelPass(number, 'a test')
    const options = { ...defaultPassOptions, direction }
    const stub = env.MIGRATION.getByName('local/uploads') as DurableObjectStub<Migration>
    await stub.startPass({ id: 'uploads', workspace: 'local', ...definition }, options)
    return (await toMigration('uploads', name)).hello(name)
  }
  expect((await next('back', 'a')).uploads).toBe(undefined)
  expect((await next('forward', 'b')).uploads).toMatchObject([{ key: 'k', upload: 'id' }])
})
