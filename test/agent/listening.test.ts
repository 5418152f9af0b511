import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Gathered } from '../../agent/listening/gathered.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { openStorage } from '../../agent/storage/open.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { defaultFollow, type EventSource } from '../../shared/life.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { SqsServer } from '../support/sqs-server.ts'
import { bucket, many, openWorld, type TestAgent, type World, type WorldOptions } from './world.ts'

let plane: Plane
const worlds: World[] = []
const directories: string[] = []

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test-key'
  process.env.AWS_SECRET_ACCESS_KEY = 'testsecret'
  process.env.AWS_REGION = 'us-east-1'
  plane = await startPlane()
})
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})
afterAll(() => plane.stop())

/** A pass that holds, once all is equal, and an agent that listens to this. */
async function listening(events: EventSource[], options: WorldOptions = {}, more: object = {}) {
  const world = await openWorld(plane, options)
  worlds.push(world)
  const path = `/api/workspaces/local/migrations/${world.migration}`
  const follow = { ...defaultFollow, events }
  expect((await plane.api('PATCH', path, { follow })).status).toBe(200)
  const agent = await world.agent(more)
  const { number } = await world.start()
  const namespace = await plane.miniflare.getDurableObjectNamespace('MIGRATION')
  const object = namespace.get(namespace.idFromName(`local/${world.migration}`)) as unknown as {
    holdPass(pass: number, until: number): Promise<unknown>
  }
  await object.holdPass(number, Date.now() + 3_600_000)
  const status = () => world.status(number)
  await vi.waitFor(async () => expect((await status()).holdsUntil).toBeDefined(), { timeout: 15_000 })
  return { world, agent, status }
}

const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 20 })
const bodyIn = (world: World, key: string | Key) =>
  Buffer.from(world.destination.objects.get(key as Key)?.body ?? []).toString()
const record = (bucket: string, key: string) => ({
  Records: [
    {
      eventSource: 'aws:s3',
      eventName: 'ObjectCreated:Put',
      eventTime: new Date().toISOString(),
      s3: { bucket: { name: bucket }, object: { key } },
    },
  ],
})
const envelope = (message: object) => ({
  Type: 'Notification',
  TopicArn: 'arn:aws:sns:us-east-1:1:t',
  Message: JSON.stringify(message),
})

describe('a queue', () => {
  let queue: SqsServer
  beforeAll(async () => {
    queue = await SqsServer.start()
  })
  afterAll(() => queue.stop())

  const sqs = (more: object = {}): EventSource =>
    ({ kind: 'sqs', queue: queue.url, region: null, profile: null, ...more }) as EventSource

  it('is polled, with credentials of the agent’s own; what is told is deleted, what is not understood is left', async () => {
    const { world, agent } = await listening([sqs()], { source: memoryStorage(many(3)) })
    world.source.put('a b', 'made')
    world.source.put('c', 'made too')
    queue.send(record('source', 'a+b'))
    queue.send(envelope(record('source', 'c')))
    queue.send(record('elsewhere', 'd'))
    queue.send('hello world')
    await eventually(() => {
      expect([bodyIn(world, 'a b'), bodyIn(world, 'c')]).toEqual(['made', 'made too'])
      expect(queue.left).toEqual([{ body: 'hello world', receives: 1 }])
    })
    expect([...queue.signedBy]).toEqual(['test-key'])
    const said = agent.events.filter(({ event }) => event === 'queue-message-unknown')
    expect(said).toHaveLength(1)
  })

  it('is not polled by an agent that may not', async () => {
    const other = await SqsServer.start()
    try {
      other.send(record('source', 'a'))
      const allow = {
        file: '/etc/dray/allow',
        entries: [{ kind: 's3', endpoint: null, bucket: null, prefix: '' }],
      }
      const { agent } = await listening([sqs({ queue: other.url })], {}, { allow })
      await eventually(() => {
        const said = agent.events.find(({ event }) => event === 'not-listening')
        expect(said).toMatchObject({ code: 'access-denied', hint: expect.stringContaining('/*') })
      })
      expect(other.left).toMatchObject([{ receives: 0 }])
    } finally {
      await other.stop()
    }
  })

  it('keeps what was told to nobody: it comes again to the next pass', async () => {
    const other = await SqsServer.start()
    try {
      other.visibility = 50
      const { world, agent } = await listening([sqs({ queue: other.url })], {
        source: memoryStorage(many(3)),
      })
      const path = `/api/workspaces/local/migrations/${world.migration}`
      await plane.api('POST', `${path}/passes/1/cancel`)
      await eventually(() => expect(agent.events.some(({ event }) => event === 'pass-ended')).toBe(true))
      world.source.put('k', 'made')
      other.send(record('source', 'k'))
      expect(other.left).toHaveLength(1)
      await world.start()
      await eventually(() => {
        expect(bodyIn(world, 'k')).toBe('made')
        expect(other.left).toEqual([])
      })
    } finally {
      await other.stop()
    }
  })
})

describe('a directory', () => {
  async function watched(): Promise<{ root: string; world: World; agent: TestAgent }> {
    const root = mkdtempSync(join(tmpdir(), 'dray-watched-'))
    directories.push(root)
    mkdirSync(join(root, 'deep', 'er'), { recursive: true })
    writeFileSync(join(root, 'deep', 'er', 'old'), 'old')
    const to = memoryStorage()
    const { world, agent } = await listening(
      [{ kind: 'watch' }],
      {
        destination: to,
        locations: { source: { kind: 'file', path: root, site: 'here' }, destination: bucket('destination') },
      },
      {
        openStorage: async (location: never, options: never) =>
          (location as { kind: string }).kind === 'file' ? openStorage(location, options) : to,
      },
    )
    return { root, world, agent }
  }

  it('is watched, with what is made in it, whatever the names are', async () => {
    const { root, world } = await watched()
    writeFileSync(join(root, 'top'), 'one')
    writeFileSync(join(root, 'deep', 'er', 'old'), 'new')
    mkdirSync(join(root, 'made', 'of', 'many'), { recursive: true })
    writeFileSync(join(root, 'made', 'of', 'many', 'parts'), 'two')
    const odd = Buffer.concat([Buffer.from(`${root}/deep/`), Buffer.from([0xff, 0x61])])
    writeFileSync(odd, 'three')
    await eventually(() => {
      const found = ['top', 'deep/er/old', 'made/of/many/parts', 'deep/\xffa'].map((key) =>
        bodyIn(world, key),
      )
      expect(found).toEqual(['one', 'new', 'two', 'three'])
    })
    // A folder that is moved brings all that is in it.
    renameSync(join(root, 'deep'), join(root, 'moved'))
    await eventually(() => expect(bodyIn(world, 'moved/er/old')).toBe('new'))
    writeFileSync(join(root, 'moved', 'er', 'later'), 'four')
    await eventually(() => expect(bodyIn(world, 'moved/er/later')).toBe('four'))
  })
})

describe('what was gathered', () => {
  const key = keyFromText

  it('is told once it has been quiet, or has waited for long', () => {
    const gathered = new Gathered()
    gathered.add(key('a'), 0)
    gathered.add(key('a'), 100)
    expect(gathered.take(250)).toEqual([])
    expect(gathered.take(300)).toEqual([{ key: 'a', at: 0 }])
    for (let now = 0; now < 2_000; now += 100) gathered.add(key('b'), now)
    expect(gathered.take(1_950)).toEqual([])
    expect(gathered.take(2_000)).toEqual([{ key: 'b', at: 0 }])
    expect(gathered.size).toBe(0)
  })

  it('becomes folders where it is too much, and these the ones above', () => {
    const gathered = new Gathered()
    for (let i = 0; i <= 10_000; i++) gathered.add(key(`a/${i % 7}/${i}`), i)
    expect(gathered.take(1e6).sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((i) => ({ key: `a/${i}/`, at: i, under: true })),
    )
    for (let i = 0; i <= 10_000; i++) gathered.addFolder(key(`b/${i}/`), i)
    expect(gathered.take(1e6)).toEqual([{ key: 'b/', at: 0, under: true }])
    gathered.addFolder(key(''), 5)
    expect(gathered.take(1e6)).toEqual([{ key: '', at: 5, under: true }])
  })
})
