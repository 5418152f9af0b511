/** `dray copy` and `dray verify`, the way a script calls them: directories and buckets, checked by the disk and the server themselves. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { type ReportLine, reportLineSchema } from '../../shared/api.ts'
import { displayKey } from '../../shared/key.ts'
import { resultOf, run } from '../support/dray.ts'

// The machine may be busy with other suites; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 90_000 })

let work: string
let server: S3Server
let env: Record<string, string>
const at = (...names: string[]) => join(work, ...names)

beforeAll(async () => {
  server = await startS3Server({ credentials: { KEY: 'secret' } })
})
afterAll(() => server.stop())
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'dray-cli-'))
  env = {
    AWS_CONFIG_FILE: at('config'),
    AWS_SHARED_CREDENTIALS_FILE: at('credentials'),
    DRAY_STATE_DIR: at('state'),
  }
  const profile = ['[profile s3]', `endpoint_url = ${server.url.href}`, 'region = us-east-1']
  writeFileSync(at('config'), `${profile.join('\n')}\n`)
  writeFileSync(at('credentials'), '[s3]\naws_access_key_id = KEY\naws_secret_access_key = secret\n')
  return () => rmSync(work, { recursive: true })
})

function tree(name: string, files: Record<string, string | Uint8Array>): string {
  for (const [path, body] of Object.entries(files)) {
    mkdirSync(dirname(at(name, path)), { recursive: true })
    writeFileSync(at(name, path), body)
  }
  return at(name)
}

const contents = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => lstatSync(join(root, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(root, name), 'latin1')]),
  )

async function stored(bucket: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const object of server.objects(bucket))
    found[displayKey(object.key)] = (await object.body()).toString('latin1')
  return found
}

const report = (path: string): ReportLine[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => reportLineSchema.parse(JSON.parse(line)))

async function json(...args: string[]) {
  const ended = await run([...args, '--json'], env)
  return { ...ended, result: resultOf(ended) }
}

const source = ['--source-profile', 's3']
const destination = ['--destination-profile', 's3']

it('copies a directory to a directory, and a second time nothing', async () => {
  const from = tree('from', { a: 'a', 'deep/er/b': 'b'.repeat(100_000), 'deep/empty': '' })
  utimesSync(at('from/a'), 1_000_000_000, 1_000_000_000.25)
  symlinkSync('a', at('from/link'))

  const first = await json('copy', from, at('to'))
  expect(first.status, first.stderr).toBe(0)
  expect(first.result).toEqual({
    migration: expect.stringMatching(/^[0-9a-f]{16}$/),
    pass: 1,
    state: 'complete',
    objects: { listed: 4, same: 0, copied: 3, skipped: 1, vanished: 0, failed: 0, deleted: 0 },
    bytes: { listed: expect.any(Number), copied: 100_001 },
    packets: expect.any(Number),
    seconds: expect.any(Number),
    report: at('state', 'reports', `${first.result.migration}-1.ndjson`),
  })
  expect(first.stdout.trimEnd().split('\n')).toHaveLength(1)
  expect(contents(at('to'))).toEqual(contents(from))
  expect(lstatSync(at('to/a')).mtimeMs).toBe(1_000_000_000_250)
  expect(
    report(first.result.report)
      .map(({ key, outcome }) => `${outcome} ${key}`)
      .sort(),
  ).toEqual(['copied a', 'copied deep/empty', 'copied deep/er/b', 'skipped link'])

  const second = await run(['copy', from, at('to')], env)
  expect(second.status).toBe(0)
  expect(second.stdout).toMatch(/^Complete: everything in .* already\. Nothing was copied\.$/m)
})

it('copies to a bucket and back, and verifies', async () => {
  const large = Buffer.alloc(9 * 1024 * 1024, 'large')
  const from = tree('from', { a: 'a', 'deep/b': 'b', large })
  server.createBucket('there')
  const up = await json('copy', from, 's3://there/folder', ...destination)
  expect(up.result.objects).toMatchObject({ listed: 3, copied: 3, failed: 0 })
  expect(Object.keys(await stored('there'))).toEqual(['folder/a', 'folder/deep/b', 'folder/large'])

  const down = await json('copy', 's3://there/folder/', at('back'), ...source)
  expect(down.status, down.stderr).toBe(0)
  expect(contents(at('back'))).toEqual(contents(from))

  expect((await run(['verify', from, 's3://there/folder', ...destination], env)).status).toBe(0)
  await server.put('there', 'folder/a', 'A')
  await server.put('there', 'folder/more', 'x')
  server.delete('there', 'folder/deep/b')
  const differs = await json('verify', from, 's3://there/folder', ...destination)
  expect(differs.status).toBe(1)
  expect(differs.result).toMatchObject({
    state: 'incomplete',
    objects: { listed: 3, same: 1, copied: 0, failed: 2, extra: 1 },
    bytes: { copied: 0 },
  })
  expect(
    report(differs.result.report)
      .map(({ key, outcome }) => `${outcome} ${key}`)
      .sort(),
  ).toEqual(['differs a', 'extra more', 'missing deep/b'])
})

it('takes a prefix for a folder, and a single object or file by its own name', async () => {
  for (const key of ['photos/a', 'photos/b', 'photos2/c', 'photos', 'alone']) {
    if (key !== 'photos') await server.put('pictures', key, key)
  }
  const folder = await json('copy', 's3://pictures/photos', at('folder'), ...source)
  expect(folder.result.objects.listed).toBe(2)
  expect(contents(at('folder'))).toEqual({ a: 'photos/a', b: 'photos/b' })

  const object = await json('copy', 's3://pictures/photos/a', at('object'), ...source)
  expect(object.result.objects).toMatchObject({ listed: 1, copied: 1 })
  expect(contents(at('object'))).toEqual({ a: 'photos/a' })

  const file = await json('copy', at('folder/b'), 's3://pictures/sub', ...destination)
  expect(file.result.objects).toMatchObject({ listed: 1, copied: 1 })
  expect(server.object('pictures', 'sub/b')?.size).toBe(8)
})

it('counts in a dry run what the copy ends with, and changes nothing', async () => {
  const from = tree('from', { a: 'new', b: 'b', 'c.tmp': 'c' })
  await server.put('dry', 'a', 'old')
  await server.put('dry', 'gone', 'x')
  const args = ['copy', from, 's3://dry', ...destination, '--delete', '--exclude', '*.tmp']
  const before = await stored('dry')
  const dry = await json(...args, '--dry-run')
  expect(dry.status, dry.stderr).toBe(0)
  expect(await stored('dry')).toEqual(before)

  const real = await json(...args)
  expect(dry.result).toMatchObject({ dryRun: true, objects: real.result.objects, bytes: real.result.bytes })
  expect(real.result).not.toHaveProperty('dryRun')
  expect(real.result.objects).toMatchObject({ listed: 2, copied: 2, deleted: 1 })
  expect(await stored('dry')).toEqual({ a: 'new', b: 'b' })

  expect((await json('copy', from, at('not/yet'), '--dry-run')).result.objects.copied).toBe(3)
  expect(existsSync(at('not'))).toBe(false)
})

it('names what it could not copy, with its cause, and ends with 1', async () => {
  await server.put('odd', 'fine', 'x')
  await server.put('odd', 'dots/../up', 'x')
  await server.put('odd', 'folder/', '')
  const { status, stdout, stderr, result } = await json('copy', 's3://odd', at('to'), ...source)
  expect(status).toBe(1)
  expect(result).toMatchObject({ state: 'incomplete', objects: { listed: 3, copied: 1, failed: 2 } })
  expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  expect(stderr).toContain('2 objects: unsupported-key')
  expect(stderr).toContain('dots/../up')
  expect(
    report(result.report)
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ code }) => code),
  ).toEqual(['unsupported-key', 'unsupported-key'])
  expect(contents(at('to'))).toEqual({ fine: 'x' })
})

it('finishes an empty source', async () => {
  mkdirSync(at('nothing'))
  server.createBucket('bare')
  for (const args of [
    ['copy', at('nothing'), at('to')],
    ['copy', 's3://bare', at('to2'), ...source],
  ]) {
    const { status, result } = await json(...args)
    expect([status, result.state, result.objects.listed]).toEqual([0, 'complete', 0])
  }
})
