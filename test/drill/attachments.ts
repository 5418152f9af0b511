/**
 * Attachments of a web application, from a disk to a store, under other keys: `:class/:attachment/:id_partition/:style/:filename` becomes
 * `:class/:attachment/:id/:style-:filename`, by a template, and once more by a manifest, as the application's database would give it. New ones
 * are uploaded all the time. The script that this is measured by ran out of memory and took the site down: the agent's memory is read from /proc.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlaneClient } from '../../agent/cli/plane-client.ts'
import { putMigration } from '../../shared/api/migrations.ts'
import { followSchema } from '../../shared/life.ts'
import type { Arrangement } from '../../shared/mapping.ts'
import { noFilter } from '../../shared/policy.ts'
import { Checks } from './checks.ts'
import { clientOf, listed } from './compare.ts'
import { Ground, placeIn, type Store } from './ground.ts'
import { md5 } from './journal.ts'
import { Operator } from './operator.ts'

export interface AttachmentsOptions {
  /** In the beginning; each in three styles. */
  attachments: number
  /** Seconds of uploads while it follows. */
  seconds: number
  keep: boolean
}

const styles = ['original', 'medium', 'thumb'] as const
/** What work in flight may hold, and what the program needs besides (docs/how-it-works.md), in MiB. */
const budget = 256
const program = 190

/** `000/012/345`. */
const partition = (id: number) =>
  String(id)
    .padStart(9, '0')
    .replace(/(...)(...)(...)/, '$1/$2/$3')
const nameOf = (id: number) => `picture ${id} ü.jpg`
const pathOf = (id: number, style: string) => `photos/images/${partition(id)}/${style}/${nameOf(id)}`
const keyOf = (id: number, style: string) =>
  `photos/images/${String(id).padStart(9, '0')}/${style}-${nameOf(id)}`
const bodyOf = (id: number, style: string) => `${style} of ${id}\n`.repeat(style === 'original' ? 60 : 5)

const template: Arrangement = {
  mapping: {
    kind: 'template',
    pattern:
      '(?<class>[^/]+)/(?<attachment>[^/]+)/(?<a>\\d{3})/(?<b>\\d{3})/(?<c>\\d{3})/(?<style>[^/]+)/(?<name>[^/]+)',
    to: '{class}/{attachment}/{a}{b}{c}/{style}-{name}',
    unmatched: 'fail',
  },
}

export async function attachments(options: AttachmentsOptions): Promise<Checks> {
  const checks = new Checks('attachments')
  const ground = new Ground()
  let isWhole = false
  try {
    await play(ground, checks, options)
    isWhole = true
  } catch (error) {
    checks.hold('it comes to its end', false, error instanceof Error ? `${error.stack}` : String(error))
  } finally {
    await ground.end(options.keep || !isWhole || checks.failed > 0)
  }
  return checks
}

async function play(
  ground: Ground,
  checks: Checks,
  { attachments, seconds }: AttachmentsOptions,
): Promise<void> {
  const disk = new Disk(ground)
  for (let i = 0; i < attachments; i++) disk.upload()
  checks.tell(`${disk.files} files of ${attachments} attachments are on the disk`)
  const { plane, process } = await ground.plane(0, ['--memory', `${budget}M`])
  const store = await ground.store('store', { buckets: { template: 0, manifest: 0 } })
  await ground.connection(plane, 'store', store)
  const manifest: Arrangement = {
    manifest: { place: { kind: 'file', path: disk.manifest, site: 'local' }, columns: null, keys: 'plain' },
  }
  const ways = { template, manifest }
  const memory = new Memory(process.pid!)
  const began = performance.now()
  const operators: Operator[] = []
  for (const [name, arrangement] of Object.entries(ways))
    operators.push(await begin(plane, disk, name, arrangement))
  const uploading = disk.uploadsFor(seconds)
  await Promise.all(
    operators.map((operator) => operator.until('it follows', ({ state }) => state === 'following')),
  )
  checks.tell(
    `both follow after ${((performance.now() - began) / 1_000).toFixed(1)} s, while more are uploaded`,
  )
  await uploading
  for (const operator of operators) {
    await operator.cutOver()
    const life = await operator.walk({ freeze: () => operator.answer('freeze', { do: 'declare' }) })
    checks.hold('a certificate is there', life.certificate !== null, life.certificate?.root ?? '')
    await operator.switch()
  }
  for (const name of Object.keys(ways)) await holdAll(checks, disk, store, name)
  memory.stop()
  checks.hold(
    `the agent stayed under its budget of ${budget} MiB and the ${program} MiB of the program`,
    memory.most < budget + program,
    `${memory.most.toFixed(0)} MiB at most`,
  )
}

async function begin(
  plane: PlaneClient,
  disk: Disk,
  name: string,
  arrangement: Arrangement,
): Promise<Operator> {
  const follow = followSchema.parse({ pauseAtLeast: 1, pauseAtMost: 5, lag: 600, quiet: 1 })
  const source = { kind: 'file', path: disk.root, site: 'local' } as const
  const body = { source, destination: placeIn('store', name), filter: noFilter, ...arrangement, follow }
  await plane.call(putMigration, { params: { migration: name }, body })
  const operator = new Operator(plane, name, new Checks(name))
  await operator.start()
  return operator
}

/** All of it, nothing twice, and nothing else: by the disk itself and the AWS SDK. */
async function holdAll(checks: Checks, disk: Disk, store: Store, name: string): Promise<void> {
  const wanted = new Map<string, string>()
  for (let id = 1; id <= disk.ids; id++)
    for (const style of styles)
      wanted.set(keyOf(id, style), md5(readFileSync(join(disk.root, pathOf(id, style)))))
  const onDisk = readdirSync(disk.root, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length
  checks.hold(`${name}: the disk holds what was uploaded`, onDisk === wanted.size, `${onDisk} files`)
  const wrong: string[] = []
  let objects = 0
  for await (const [key, etag] of listed(clientOf(store.at), name)) {
    objects++
    if (wanted.get(key) !== etag) wrong.push(key)
    wanted.delete(key)
  }
  checks.hold(
    `${name}: every file is there, whole, under its key`,
    wanted.size === 0,
    [...wanted.keys()].slice(0, 3),
  )
  checks.hold(`${name}: nothing is there twice, or besides`, wrong.length === 0 && objects === onDisk, {
    objects,
    wrong: wrong.slice(0, 3),
  })
}

/** Where the application keeps its attachments, and writes down their keys as its database would. */
class Disk {
  readonly root: string
  readonly manifest: string
  ids = 0
  files = 0

  constructor(ground: Ground) {
    this.root = ground.at('public')
    this.manifest = ground.at('attachments.csv')
    mkdirSync(this.root)
    writeFileSync(this.manifest, 'key,newKey\n')
  }

  /** One attachment, in all its styles. */
  upload(): void {
    const id = ++this.ids
    let rows = ''
    for (const style of styles) {
      const path = join(this.root, pathOf(id, style))
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, bodyOf(id, style))
      rows += `${pathOf(id, style)},${keyOf(id, style)}\n`
      this.files++
    }
    appendFileSync(this.manifest, rows)
  }

  async uploadsFor(seconds: number): Promise<void> {
    const end = performance.now() + 1_000 * seconds
    while (performance.now() < end) {
      this.upload()
      await sleep(50)
    }
  }
}

/** MiB that a process holds at most, looked at ten times a second. */
class Memory {
  most = 0
  readonly #timer: NodeJS.Timeout

  constructor(pid: number) {
    this.#timer = setInterval(() => {
      // Once it has ended it holds nothing; that it has, the drill hears by itself.
      const status = `/proc/${pid}/status`
      if (!existsSync(status)) return
      const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8')) ?? []
      this.most = Math.max(this.most, Number(kib) / 1_024)
    }, 100)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
