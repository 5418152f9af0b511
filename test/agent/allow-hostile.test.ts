/** A control plane that is taken over, against an agent with an allow-list: nothing outside it is read, written or even asked for. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { parseEntry } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { Location, S3Location } from '../../shared/location.ts'
import type { PlaneMessage } from '../../shared/protocol.ts'
import { identityOf } from '../support/identities.ts'
import { type Connection, lease, type ScriptedPlane, startScriptedPlane } from './scripted-plane.ts'

let root: string
let plane: ScriptedPlane
let store: S3Server
let elsewhere: S3Server
let agent: Agent
const asked: string[] = []

beforeEach(async () => {
  const env = { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' }
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  root = realpathSync(mkdtempSync(join(tmpdir(), 'dray-hostile-')))
  for (const dir of ['data', 'out', 'secret', 'state']) mkdirSync(join(root, dir))
  writeFileSync(join(root, 'data', 'ours'), 'ours')
  writeFileSync(join(root, 'secret', 'key'), 'private')
  symlinkSync(join(root, 'secret'), join(root, 'data', 'link'))
  symlinkSync(join(root, 'secret', 'key'), join(root, 'data', 'key'))
  symlinkSync(join(root, 'secret'), join(root, 'out', 'link'))
  plane = await startScriptedPlane()
  const credentials = { KEY: 'secret' }
  store = await startS3Server({ credentials })
  elsewhere = await startS3Server({ credentials })
  asked.length = 0
  for (const server of [store, elsewhere]) {
    for (const name of ['ours', 'theirs']) server.createBucket(name)
    server.hooks = {
      beforeRequest: ({ bucket = '' }) => {
        asked.push(`${server === store ? 'store' : 'elsewhere'}/${bucket}`)
        return null
      },
    }
  }
  const entries = [join(root, 'data'), join(root, 'out'), `s3://ours at ${store.url.origin}`]
  agent = startAgent({
    url: plane.url,
    identity: await identityOf('agent-1'),
    allow: { file: join(root, 'state', 'allow'), entries: entries.map(parseEntry) },
    stateDir: join(root, 'state'),
    version: 'test',
    concurrency: 8,
    memory: leastBudget,
    env: process.env,
    log() {},
  })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await agent.stop()
  await Promise.all([plane.stop(), store.stop(), elsewhere.stop()])
  rmSync(root, { recursive: true, force: true })
})

const file = (path: string): Location => ({ kind: 'file', path: `${root}/${path}`, site: 'here' })
const s3 = (bucket: string, server: S3Server, over: Partial<S3Location> = {}): S3Location => ({
  kind: 's3',
  bucket,
  prefix: '',
  endpoint: server.url.origin,
  region: null,
  profile: null,
  site: null,
  ...over,
})

type More = Partial<Extract<PlaneMessage, { t: 'welcome' }>>

/** Lets it copy everything, and hears what became of that. */
async function copy(more: More, options: Parameters<Connection['welcome']>[0] = {}) {
  const connection = await plane.connection()
  await connection.hear('hello')
  connection.welcome(options, more)
  await connection.hear('free', ({ n }) => n > 0)
  connection.say({ t: 'lease', packets: [lease({ id: 1 })] })
  return Promise.race([connection.hear('failed'), connection.hear('outcome')])
}

const denied = { t: 'failed', error: { code: 'access-denied', retry: 'later' } }

describe('a hostile control plane', () => {
  it('gets what the list has', async () => {
    expect(await copy({ source: file('data'), destination: s3('ours', store) })).toMatchObject({
      t: 'outcome',
      counts: { objects: { copied: 1 } },
    })
    expect([...store.objects('ours')].map(({ key }) => key)).toEqual(['ours'])
  })

  it.each<[string, () => More]>([
    ['a directory of its choice', () => ({ source: file('secret'), destination: s3('ours', store) })],
    ['a directory by `..`', () => ({ source: file('data/../secret'), destination: s3('ours', store) })],
    [
      'a directory by a link and `..`',
      () => ({ source: file('data/link/../secret'), destination: s3('ours', store) }),
    ],
    ['a directory by a link', () => ({ source: file('data/link'), destination: s3('ours', store) })],
    [
      'the file system',
      () => ({ source: { kind: 'file', path: '/', site: 'here' }, destination: s3('ours', store) }),
    ],
    ['another bucket', () => ({ source: s3('theirs', store), destination: file('out') })],
  ])('reads nothing from %s', async (_, places) => {
    const heard = await copy(places())
    expect(heard).toMatchObject(denied)
    expect(JSON.stringify(heard)).toContain('whoever runs it adds this line')
    expect(asked).toEqual([])
  })

  it.each<[string, () => Location]>([
    ['a bucket of its own', () => s3('theirs', store)],
    ['the same bucket of another server', () => s3('ours', elsewhere)],
    ['another scheme', () => s3('ours', store, { endpoint: store.url.origin.replace('http:', 'https:') })],
    ['AWS', () => s3('ours', store, { endpoint: null })],
    ['a host by the region', () => s3('ours', store, { endpoint: null, region: 'x.evil.example/' })],
    ['a directory of its choice', () => file('secret')],
    ['a directory by a link', () => file('out/link')],
    ['a new directory by `..`', () => file('out/../new')],
  ])('writes nothing to %s', async (_, place) => {
    expect(await copy({ source: file('data'), destination: place() })).toMatchObject(denied)
    expect(asked).toEqual([])
    expect(existsSync(join(root, 'new'))).toBe(false)
    expect(readFileSync(join(root, 'secret', 'key'), 'utf8')).toBe('private')
  })

  it('leads nobody out by links below an allowed directory, whatever it says of them', async () => {
    await copy({ source: file('data'), destination: s3('ours', store) }, { symlinks: 'follow' })
    expect([...store.objects('ours')].map(({ key }) => key)).toEqual(['ours'])
  })

  it('writes no file through a link, or with `..` in its name', async () => {
    const keys = ['../secret/key', 'fine', 'link/key']
    store.fill('ours', { count: keys.length, key: (i) => keys[i]!, size: 4 })
    const heard = await copy({ source: s3('ours', store), destination: file('out') })
    expect(heard).toMatchObject({ t: 'outcome', counts: { objects: { copied: 1, failed: 2 } } })
    expect(readFileSync(join(root, 'secret', 'key'), 'utf8')).toBe('private')
    expect(existsSync(join(root, 'out', 'fine'))).toBe(true)
  })

  it('reads no manifest from elsewhere', async () => {
    const manifest = {
      place: { kind: 'file' as const, path: join(root, 'secret', 'key'), site: 'here' },
      columns: ['key'],
      keys: null,
    }
    const places = { source: file('data'), destination: file('out'), manifest }
    expect(await copy(places as unknown as More)).toMatchObject(denied)
  })
})
