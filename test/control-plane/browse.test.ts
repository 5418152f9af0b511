/** Looking at stores over the real API, through real agents. */
import { EventEmitter, once } from 'node:events'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { type AllowList, allowAll, parseEntry } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import type { BrowseEntry, Finding, Scan } from '../../shared/api/browse.ts'
import type { Problem } from '../../shared/api/migrations.ts'
import { escapeKey, keyFromText } from '../../shared/key.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'

let plane: Plane
let s3: TestS3
const agents: Agent[] = []
const top = fs.mkdtempSync(join(tmpdir(), 'dray-browse-'))
const data = join(top, 'data')

const at = '/api/workspaces/local'
type Found = Problem & { agent: string; site: string; entries: BrowseEntry[]; cursor: string | null }
const browse = (body: unknown) => plane.api<Found>('POST', `${at}/browse`, body)
const listed = (...lines: string[]): AllowList => ({ file: '/etc/allow', entries: lines.map(parseEntry) })

async function start(name: string, site: string, allow: AllowList): Promise<void> {
  const events = new EventEmitter()
  const connected = once(events, 'connected')
  agents.push(
    startAgent({
      url: plane.url,
      identity: await plane.identity(name, site),
      stateDir: fs.mkdtempSync(join(top, 'state-')),
      version: 'test',
      concurrency: 8,
      memory: leastBudget,
      allow,
      env: {},
      log: (event) => events.emit(event.event, event),
    }),
  )
  await connected
}

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test secret')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  fs.mkdirSync(join(data, 'sub'), { recursive: true })
  fs.writeFileSync(join(data, 'a.txt'), 'four')
  fs.symlinkSync('/etc', join(data, 'etc'))
  fs.writeFileSync(Buffer.concat([Buffer.from(`${data}/`), Buffer.from([0xff])]), '')
  ;[plane, s3] = await Promise.all([startPlane(), testS3()])
  for (const name of ['photos', 'secret', 'videos']) s3.server.createBucket(name)
  const endpoint = s3.server.url.href
  await start('open', 'here', allowAll)
  await start('narrow', 'there', listed(`s3://photos/2026/ at ${endpoint}`, data))
  await start('wide', 'there', listed(`s3://videos at ${endpoint}`))
  for (const [id, site] of [
    ['store', 'here'],
    ['narrow', 'there'],
  ]) {
    const body = { id, endpoint, sites: [site], credential: { kind: 'profile', profile: null } }
    expect((await plane.api('POST', `${at}/connections`, body)).status).toBe(201)
  }
})

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop()))
  await plane.stop()
  fs.rmSync(top, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const bucket = (name: string, prefix = '', connection = 'store') => ({
  location: {
    ...{ kind: 's3', bucket: name, prefix, connection },
    ...{ endpoint: null, region: null, profile: null, site: null },
  },
})
const directory = (path: string, site = 'there') => ({ location: { kind: 'file', path, site } })
const names = ({ entries }: Found) => entries.map(({ kind, name }) => `${kind} ${name}`)

describe('a bucket', () => {
  it('is shown by pages of 200, with names that are markup as they are', async () => {
    const hostile = [
      '<img src=x onerror=alert(1)>',
      '\u202egnp.exe',
      '\u0007\u001b[31m',
      `${'é'.repeat(500)}`,
    ]
    const plain = Array.from({ length: 250 }, (_, i) => `file-${String(i).padStart(3, '0')}`)
    const keys = [...hostile, ...plain, '2026/a', '2025/b']
    await Promise.all(
      keys.map((key) =>
        s3.call('PUT', `/photos/top/${escapeKey(keyFromText(key))}`, { body: Buffer.from(key) }),
      ),
    )
    const first = await browse(bucket('photos', 'top/'))
    expect(first.status).toBe(200)
    expect(first.json).toMatchObject({ agent: 'open', site: 'here' })
    expect(first.json.entries).toHaveLength(200)
    const second = await browse({ ...bucket('photos', 'top/'), cursor: first.json.cursor! })
    expect(second.json.cursor).toBeNull()
    const found = [...first.json.entries, ...second.json.entries]
    expect(found.filter(({ kind }) => kind === 'folder').map(({ name }) => name)).toEqual(['2025/', '2026/'])
    expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining([...hostile, ...plain]))
    expect(found).toHaveLength(keys.length)
    expect(found.find(({ name }) => name === 'file-000')).toMatchObject({ bytes: 8, storageClass: null })
  })

  it('is one of those that its connection shows', async () => {
    const { json } = await browse({ connection: 'store' })
    expect(names(json)).toEqual(['bucket photos', 'bucket secret', 'bucket videos'])
    expect(json.entries[0]!.modifiedAt).toBeGreaterThan(1_500_000_000_000)
  })

  it('that is not there, a connection that is not, and a cursor that is none are refused with what to do', async () => {
    const nowhere = await browse(bucket('nowhere'))
    expect([nowhere.status, nowhere.json.code]).toEqual([409, 'no-such-bucket'])
    expect(nowhere.json.hint).toMatch(/Check the name/)
    expect((await browse({ connection: 'none' })).json.hint).toMatch(/dray connection list/)
    expect((await browse({ ...bucket('photos'), cursor: 'x'.repeat(5_000) })).status).toBe(400)
  })
})

describe('the allow-list of an agent', () => {
  it('decides what is shown of a connection and of a bucket; the next agent of the site is asked', async () => {
    const { json } = await browse({ connection: 'narrow' })
    expect([json.agent, ...names(json)]).toEqual(['narrow', 'bucket photos'])
    const way = await browse(bucket('photos', '', 'narrow'))
    expect(names(way.json)).toEqual(['folder 2026/'])
    expect((await browse(bucket('photos', '2026/', 'narrow'))).status).toBe(200)
    expect((await browse(bucket('videos', '', 'narrow'))).json.agent).toBe('wide')
    const refused = await browse(bucket('secret', '', 'narrow'))
    expect([refused.status, refused.json.code]).toEqual([409, 'access-denied'])
    expect(refused.json.hint).toContain(`s3://secret at ${s3.server.url.origin}`)
  })

  it('leads from / to the directories in it, and to nothing else', async () => {
    const first = data.split('/')[1]
    expect(names((await browse(directory('/'))).json)).toEqual([`folder ${first}/`])
    expect(names((await browse(directory(top))).json)).toEqual(['folder data/'])
    expect((await browse(directory('/etc'))).json.code).toBe('access-denied')
    expect((await browse(directory(join(data, 'etc')))).json.code).toBe('access-denied')
    expect((await browse(directory(`${data}/../..`))).json.code).toBe('access-denied')
  })
})

it('a directory shows its files and folders; links are told, and a name that is no text is escaped too', async () => {
  const { json } = await browse(directory(data))
  expect(names(json)).toEqual(['object a.txt', 'symlink etc', 'folder sub/', 'object \\xff'])
  expect(json.entries[3]!.nameEscaped).toBe('%FF')
})

it('where no agent is connected, says which one is needed', async () => {
  const { status, json } = await browse(directory('/srv', 'nowhere'))
  expect([status, json.code, json.detail]).toEqual([409, 'busy', 'no agent of nowhere is connected'])
})

it('a scan counts what the filter takes', async () => {
  const filter = { include: ['*.txt'], exclude: [], only: null }
  const { status, json } = await plane.api<Scan>('POST', `${at}/scan`, { ...directory(data), filter })
  expect(status).toBe(200)
  expect(json).toMatchObject({
    ...{ site: 'there', taken: { objects: 1, bytes: 4 }, left: { objects: 1, bytes: 0 }, others: 1 },
    ...{ samples: { taken: ['a.txt'], left: ['\\xff'] }, cursor: null, narrowed: false },
  })
  expect((await plane.api('POST', `${at}/scan`, { ...directory('/etc'), filter })).status).toBe(409)
})

describe('a preflight', () => {
  type Found = { agent: string | null; findings: Finding[] }
  const preflight = async (source: unknown, destination: unknown, policy = {}) => {
    const filter = { include: [], exclude: [], only: null }
    const body = { source, destination, filter, policy }
    return (await plane.api<Found>('POST', `${at}/preflight`, body)).json
  }
  const to = bucket('videos', 'new/').location

  it('asks an agent that reaches both ends, and says which', async () => {
    const { agent, findings } = await preflight(bucket('photos', 'top/').location, to)
    expect(agent).toBe('open')
    expect(findings[0]).toMatchObject({ kind: 'reach', outcome: 'good' })
    expect(findings.filter(({ outcome }) => outcome !== 'good')).toEqual([])
  })

  it('stops where no site reaches both, no agent is there, or none may; and where a pass would not begin', async () => {
    const stop = async (...given: Parameters<typeof preflight>) => {
      const { agent, findings } = await preflight(...given)
      expect([agent, findings[0]!.outcome]).toEqual([null, 'stops'])
      return findings.map(({ message }) => message).join(' ')
    }
    expect(await stop(directory(data).location, to)).toMatch(/^No site reaches both/)
    expect(await stop(directory('/a', 'x').location, directory('/b', 'x').location)).toMatch(/^No agent of x/)
    expect(await stop(directory('/etc').location, directory(data).location)).toMatch(/may not touch \/etc/)
    const inside = directory(`${data}/sub`, 'x').location
    const whole = directory(data, 'x').location
    expect(await stop(inside, whole, { delete: true })).toMatch(/source is inside the destination/)
  })
})
