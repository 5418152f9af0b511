import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import { openStorage } from '../../agent/storage/open.ts'
import type { FileLocation } from '../../shared/location.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { bucket, contentOf, openWorld, type World, type WorldOptions } from './world.ts'

let plane: Plane
let dir: string
const worlds: World[] = []

beforeAll(async () => {
  plane = await startPlane()
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dray-files-'))
})
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()))
  await rm(dir, { recursive: true, force: true })
})
afterAll(() => plane.stop())

const directory = (path: string): FileLocation => ({ kind: 'file', path, site: 'here' })

async function tree(name: string, files: Record<string, string>): Promise<string> {
  const root = join(dir, name)
  await mkdir(root, { recursive: true })
  for (const [path, body] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), body)
  }
  return root
}

/** Files are real; a bucket is the world's memory. */
async function open(options: WorldOptions & { locations: NonNullable<WorldOptions['locations']> }) {
  const world = await openWorld(plane, options)
  worlds.push(world)
  const agent = await world.agent({
    openStorage: async (location, storageOptions) => {
      if (location.kind === 'file') return openStorage(location, storageOptions)
      return location.bucket === 'source' ? world.source : world.destination
    },
  })
  return { world, agent }
}

const some = (count: number, of = 'body'): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i % 7}/f${i}`, `${of} ${i}`]))

const withoutLists = ({ requests }: MemoryStorage) => ({ ...requests, list: 0 })

describe('a directory to a bucket', () => {
  it('is settled by the baseline the second time: no object is read, or asked for', async () => {
    const source = await tree('source', some(300))
    const { world, agent } = await open({
      locations: { source: directory(source), destination: bucket('destination') },
    })
    const first = await world.pass(agent)
    expect(first.counts.objects).toMatchObject({ listed: 300, copied: 300 })
    const before = withoutLists(world.destination)
    const second = await world.pass(agent)
    expect(second.counts.objects).toMatchObject({ listed: 300, same: 300 })
    expect(second.counts.evidence).toEqual({ baseline: 300 })
    expect(second.expected).toEqual({ objects: 0, bytes: 0 })
    expect(withoutLists(world.destination)).toEqual(before)

    await writeFile(join(source, 'd0/f0'), 'body X')
    world.destination.put('d1/f1', 'touched')
    const third = await world.pass(agent)
    expect(third.counts.objects).toMatchObject({ listed: 300, same: 298, copied: 2 })
    expect(contentOf(world.destination).find(([key]) => key === 'd0/f0')?.[1]).toBe('body X')
  })

  it('proves what was copied by others, and remembers it', async () => {
    const files = some(50)
    const source = await tree('source', files)
    const { world, agent } = await open({
      destination: memoryStorage(Object.entries(files)),
      locations: { source: directory(source), destination: bucket('destination') },
    })
    const first = await world.pass(agent)
    expect(first.counts).toMatchObject({ objects: { same: 50, copied: 0 }, evidence: { hashed: 50 } })
    expect((await world.pass(agent)).counts.evidence).toEqual({ baseline: 50 })
  })

  it('says links and skips them', async () => {
    const source = await tree('source', { a: '1', c: '3' })
    await symlink('a', join(source, 'b'))
    const { world, agent } = await open({
      locations: { source: directory(source), destination: bucket('destination') },
    })
    const pass = await world.pass(agent)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 3, copied: 2, skipped: 1 })
    const report = await world.report(pass.number)
    expect(report.find(({ key }) => key === 'b')).toMatchObject({ outcome: 'skipped', code: 'symlink' })
  })

  it('never takes a source that is not there for an empty one', async () => {
    const destination = memoryStorage([['d0/f0', 'old']])
    const { world, agent } = await open({
      destination,
      locations: { source: directory(join(dir, 'nowhere')), destination: bucket('destination') },
    })
    const pass = await world.pass(agent, { delete: true })
    expect(pass).toMatchObject({ state: 'incomplete', errors: [{ error: { code: 'not-found' }, parked: 1 }] })
    expect(destination.objects.size).toBe(1)
  })

  it('makes a destination that is not there yet, for a dry run only while it lasts', async () => {
    const source = await tree('source', some(5))
    const destination = join(dir, 'not', 'yet')
    const { world, agent } = await open({
      locations: { source: directory(source), destination: directory(destination) },
    })
    expect(await world.pass(agent, { dryRun: true })).toMatchObject({
      state: 'complete',
      counts: { objects: { copied: 5 } },
    })
    await vi.waitUntil(() => !existsSync(join(dir, 'not')))
    expect(await world.pass(agent)).toMatchObject({ state: 'complete', counts: { objects: { copied: 5 } } })
    expect(await readFile(join(destination, 'd0/f0'), 'utf8')).toBe('body 0')
  })

  it('does not call objects vanished where the whole source has gone', async () => {
    // More than are read before the first is written.
    const source = await tree('source', some(400))
    const { world, agent } = await open({
      locations: { source: directory(source), destination: bucket('destination') },
    })
    let gone: Promise<void> | null = null
    world.destination.faults = {
      async before(op) {
        if (op !== 'write') return
        gone ??= rename(source, `${source}-gone`)
        await gone
      },
    }
    const pass = await world.pass(agent)
    expect(pass).toMatchObject({ state: 'incomplete', counts: { objects: { vanished: 0 } } })
    expect(pass.errors[0]).toMatchObject({ error: { code: 'not-found' }, parked: 1 })
  })
})

describe('a directory to a directory', () => {
  it('keeps times, and is settled without reading the second time', async () => {
    const source = await tree('source', some(60))
    const destination = await tree('destination', {})
    const when = new Date('2020-02-02T02:02:02Z')
    await utimes(join(source, 'd0/f0'), when, when)
    const { world, agent } = await open({
      locations: { source: directory(source), destination: directory(destination) },
    })
    expect((await world.pass(agent)).counts.objects).toMatchObject({ copied: 60 })
    expect(await readFile(join(destination, 'd0/f0'), 'utf8')).toBe('body 0')
    expect((await stat(join(destination, 'd0/f0'))).mtime).toEqual(when)
    const second = await world.pass(agent)
    expect(second.counts).toMatchObject({ objects: { same: 60 }, evidence: { baseline: 60 } })
  })

  it('notices content that changed under an unchanged size and time', async () => {
    const source = await tree('source', { a: 'one' })
    const destination = await tree('destination', {})
    const { world, agent } = await open({
      locations: { source: directory(source), destination: directory(destination) },
    })
    await world.pass(agent)
    const { atime, mtime } = await stat(join(destination, 'a'))
    await writeFile(join(destination, 'a'), 'two')
    await utimes(join(destination, 'a'), atime, mtime)
    const pass = await world.pass(agent)
    expect(pass.counts.objects).toMatchObject({ copied: 1, same: 0 })
    expect(await readFile(join(destination, 'a'), 'utf8')).toBe('one')
  })

  it('puts a directory where a file has to go first', async () => {
    const source = await tree('source', { 'a/b': 'new' })
    const destination = await tree('destination', { a: 'old' })
    const { world, agent } = await open({
      locations: { source: directory(source), destination: directory(destination) },
    })
    const pass = await world.pass(agent, { delete: true })
    expect(pass.counts.objects).toMatchObject({ copied: 1, deleted: 1, failed: 0 })
    expect(await readFile(join(destination, 'a/b'), 'utf8')).toBe('new')
  })

  it('is read by a verification, which does not believe the baseline', async () => {
    const source = await tree('source', some(20))
    const destination = await tree('destination', {})
    const { world, agent } = await open({
      locations: { source: directory(source), destination: directory(destination) },
    })
    await world.pass(agent)
    const good = await world.pass(agent, { kind: 'verify' })
    expect(good).toMatchObject({ state: 'complete', counts: { evidence: { 'full-read': 20 } } })
    const { atime, mtime } = await stat(join(destination, 'd1/f1'))
    await writeFile(join(destination, 'd1/f1'), 'rot! 1')
    await utimes(join(destination, 'd1/f1'), atime, mtime)
    const bad = await world.pass(agent, { kind: 'verify' })
    expect(bad.counts.objects).toMatchObject({ same: 19, failed: 1 })
    expect(bad.failureCauses).toMatchObject([{ code: 'differs', objects: 1 }])
  })
})
