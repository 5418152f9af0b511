/** What a preflight finds out, by agents' own means, on directories and on the server of this repository. */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AllowList, allowAll, parseEntry } from '../../agent/allow/allow-list.ts'
import { preflight } from '../../agent/looking/preflight.ts'
import { openStorage } from '../../agent/storage/open.ts'
import type { Ask } from '../../shared/asks.ts'
import type { Finding } from '../../shared/finding.ts'
import type { FileLocation, Location, S3Location } from '../../shared/location.ts'
import { noFilter, type PassOptions, passOptions } from '../../shared/policy.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'

let top: string
beforeAll(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test secret')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterAll(() => vi.unstubAllEnvs())
beforeEach(() => {
  top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'dray-preflight-')))
  fs.mkdirSync(join(top, 'state'))
})
afterEach(() => fs.rmSync(top, { recursive: true, force: true }))

const directory = (name: string): FileLocation => {
  fs.mkdirSync(join(top, name), { recursive: true })
  return { kind: 'file', path: join(top, name), site: 'here' }
}
const bucket = ({ server }: TestS3, name: string, prefix = ''): S3Location => ({
  ...{ kind: 's3', bucket: name, prefix, endpoint: server.url.href },
  ...{ region: 'us-east-1', profile: null, site: null },
})
const put = (s3: TestS3, path: string, headers: Record<string, string> = {}) =>
  s3.call('PUT', path, { body: Buffer.from('content'), headers })

async function findings(
  source: Location,
  destination: Location,
  options: Partial<PassOptions> = {},
  more: Partial<Ask & { kind: 'preflight' }> = {},
  allow: AllowList = allowAll,
): Promise<Finding[]> {
  const ask = {
    kind: 'preflight',
    source,
    destination,
    filter: noFilter,
    options: passOptions(options),
  } as const
  const stateDir = join(top, 'state')
  const open = (location: Location) =>
    openStorage(location, { stateDir, agentId: 'a', symlinks: 'skip', connections: 4 })
  const client = { connections: 4, env: {} }
  return (await preflight({ ...ask, ...more }, { allow, stateDir, open, client })).findings
}

/** `write destination good`, in order. */
const said = (found: readonly Finding[]) =>
  found.map(({ kind, side, outcome, code }) => [kind, side, outcome, code].filter(Boolean).join(' '))
const one = (found: readonly Finding[], kind: Finding['kind'], side?: Finding['side']) =>
  found.find((each) => each.kind === kind && (side === undefined || each.side === side))

describe('between two buckets', () => {
  it('all is good where all is, and nothing is left behind', async () => {
    const [a, b] = [await testS3(), await testS3()]
    a.server.createBucket('from')
    b.server.createBucket('to')
    await put(a, '/from/some/thing')
    const found = await findings(bucket(a, 'from'), bucket(b, 'to'))
    expect(said(found)).toEqual([
      'overlap both good',
      'read source good',
      'write destination good',
      'capabilities destination good',
      'clash destination good',
      'archived source good',
      'clock source good',
      'clock destination good',
    ])
    expect(one(found, 'read')!.message).toBe('s3://from/ can be listed and read: some/thing was.')
    expect([...b.server.objects('to')]).toEqual([])
    expect(b.server.uploads('to')).toEqual([])
  })

  it('tells rights that are missing, at each end by itself', async () => {
    const [a, b] = [await testS3(), await testS3()]
    a.server.createBucket('from')
    b.server.createBucket('to')
    await put(a, '/from/thing')
    const denied = { status: 403, code: 'AccessDenied', message: 'No' }
    a.server.hooks = { beforeRequest: ({ key }) => (key === 'thing' ? denied : null) }
    b.server.hooks = { beforeRequest: ({ method }) => (method === 'PUT' ? denied : null) }
    const found = await findings(bucket(a, 'from'), bucket(b, 'to'))
    expect(said(found)).toEqual(
      expect.arrayContaining(['read source stops access-denied', 'write destination stops access-denied']),
    )
    expect(one(found, 'write')!.hint).toMatch(/may not do this/)
  })

  it('tells buckets that are not there, and stores that do not answer', async () => {
    const a = await testS3()
    const nowhere = { ...bucket(a, 'to'), endpoint: 'http://127.0.0.1:9' }
    const found = await findings(bucket(a, 'nothing'), nowhere)
    expect(said(found)).toEqual(
      expect.arrayContaining(['read source stops no-such-bucket', 'write destination stops unreachable']),
    )
  })

  it('tells archived objects as the policy has them, and what is at the destination', async () => {
    const s3 = await testS3()
    for (const name of ['from', 'to']) s3.server.createBucket(name)
    await put(s3, '/from/a', { 'x-amz-storage-class': 'GLACIER' })
    await put(s3, '/from/b', { 'x-amz-storage-class': 'GLACIER' })
    await put(s3, '/from/c')
    await put(s3, '/to/old')
    const found = await findings(bucket(s3, 'from'), bucket(s3, 'to'), { delete: true })
    expect(one(found, 'archived')).toMatchObject({
      outcome: 'warns',
      message: expect.stringMatching(/^2 of the first 3 objects are archived.*each fails/),
    })
    expect(one(found, 'clash')).toMatchObject({
      outcome: 'warns',
      message: '1 object is at s3://to/ already.',
      hint: expect.stringMatching(/is deleted there/),
    })
    expect(one(found, 'read')).toMatchObject({ outcome: 'good', message: expect.stringMatching(/: c was/) })
    const skipping = await findings(bucket(s3, 'from'), bucket(s3, 'to'), { archived: 'skip' })
    expect(one(skipping, 'archived')!.message).toMatch(/left out/)
  })

  it('stops a copy onto itself or into itself, and versions where none are kept', async () => {
    const s3 = await testS3()
    s3.server.createBucket('one')
    s3.server.createBucket('two')
    await put(s3, '/one/a')
    expect(one(await findings(bucket(s3, 'one'), bucket(s3, 'one')), 'overlap')).toMatchObject({
      outcome: 'stops',
      message: expect.stringMatching(/^Source and destination are the same place/),
    })
    expect(one(await findings(bucket(s3, 'one'), bucket(s3, 'one', 'x/')), 'overlap')!.outcome).toBe('stops')
    const found = await findings(bucket(s3, 'one'), bucket(s3, 'two'), { versions: 'all' })
    expect(one(found, 'capabilities', 'both')).toMatchObject({ outcome: 'stops', code: 'config' })
  })

  it('tells what a store takes and does not do, and a clock that is wrong', async () => {
    const a = await testS3({ now: () => Date.now() - 5 * 60_000 })
    const b = await testS3({ forgets: ['if-none-match'] })
    a.server.createBucket('from')
    b.server.createBucket('to')
    await put(a, '/from/a')
    const found = await findings(bucket(a, 'from'), bucket(b, 'to'))
    expect(one(found, 'capabilities')).toMatchObject({ outcome: 'warns', code: 'not-implemented' })
    expect(one(found, 'clock', 'source')).toMatchObject({ outcome: 'warns', code: 'clock-skew' })
    expect(one(found, 'clock', 'destination')).toMatchObject({ outcome: 'good' })
  })

  it('says what the filter leaves of the source, and that a manifest is not there', async () => {
    const s3 = await testS3()
    for (const name of ['from', 'to']) s3.server.createBucket(name)
    await put(s3, '/from/a')
    const filter = { ...noFilter, include: ['*.jpg'] }
    const found = await findings(bucket(s3, 'from'), bucket(s3, 'to'), {}, { filter })
    expect(one(found, 'read')).toMatchObject({ outcome: 'warns', hint: 'Check the filter.' })
    const place = { kind: 's3', bucket: 'from', key: 'keys.csv' } as const
    const manifest = { place, columns: null, keys: null } as never
    const missing = await findings(bucket(s3, 'from'), bucket(s3, 'to'), {}, { manifest })
    expect(said(missing)).toContain('read source stops not-found')
  })
})

describe('between directories', () => {
  it('makes and removes what it needs to find out, and says what a directory cannot hold', async () => {
    const from = directory('from')
    fs.writeFileSync(join(from.path, '<b>\u202e'), 'x')
    const to: FileLocation = { kind: 'file', path: join(top, 'new', 'deeper'), site: 'here' }
    const found = await findings(from, to)
    expect(said(found)).toEqual([
      'overlap both good',
      'read source good',
      'write destination good',
      'capabilities destination good',
      'clash destination good',
    ])
    expect(one(found, 'read')!.message).not.toContain('\u202e')
    expect(fs.existsSync(join(top, 'new'))).toBe(false)
  })

  it('stops where one is inside the other, by links too, and where it would move Dray’s own state', async () => {
    const from = directory('from')
    fs.symlinkSync(from.path, join(top, 'link'))
    const inside: FileLocation = { ...from, path: join(top, 'link', 'inside') }
    expect(one(await findings(from, inside), 'overlap')!.outcome).toBe('stops')
    const all: FileLocation = { ...from, path: top }
    const s3 = await testS3()
    s3.server.createBucket('to')
    expect(one(await findings(all, bucket(s3, 'to')), 'overlap')!.message).toMatch(/own state directory/)
  })

  it('stops where nothing can be written', async () => {
    const found = await findings(directory('from'), { kind: 'file', path: '/proc/dray', site: 'here' })
    expect(one(found, 'write')).toMatchObject({ outcome: 'stops', code: 'config' })
    expect(one(found, 'read')).toMatchObject({
      outcome: 'warns',
      message: expect.stringMatching(/nothing is there/),
    })
  })
})

it('touches nothing where either end is not on the list', async () => {
  const [from, to] = [directory('from'), directory('to')]
  for (const entry of [from.path, to.path]) {
    const allow = { file: '/allow', entries: [parseEntry(entry)] }
    await expect(findings(from, to, {}, {}, allow)).rejects.toMatchObject({ code: 'access-denied' })
  }
  expect(fs.readdirSync(to.path)).toEqual([])
})
