/** Keys: whatever S3 takes goes from store to store; what a file system cannot hold is said, and never written elsewhere. */
import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { displayKey, keyFromText } from '../../shared/key.ts'
import { oddKeys, someKeys } from '../support/odd-keys.ts'
import { bucketBySdk, fromA, type Outcome, openPlace, type Place, toB, told } from '../support/place.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const seed = Number(process.env.DRAY_TEST_SEED ?? Date.now() % 2 ** 31)
const prefix = 'from here/'
const keys = [...new Set([...oddKeys, ...someKeys(20261120, 60), ...someKeys(seed, 60)])].filter(
  (key) => Buffer.byteLength(prefix + key) <= 1024,
)
console.log(`keys: the random seed is ${seed} (DRAY_TEST_SEED); ${keys.length} keys`)

let place: Place
beforeAll(async () => {
  place = await openPlace()
  const { a, b } = place
  for (const [i, key] of keys.entries()) {
    const headers = {
      'content-type': `application/x-${i}`,
      'x-amz-meta-key': encodeURIComponent(key).slice(0, 500),
    }
    await a.put('from', prefix + key, `body of ${key}`.repeat(1 + (i % 7)), { headers })
  }
  // The folder's own marker, whose relative key is empty; and what is not in the folder.
  await a.put('from', prefix, 'the marker', { headers: { 'content-type': 'application/x-marker' } })
  for (const beside of ['from here', 'from here.', 'from here0', 'from her', 'from here./x']) {
    await a.put('from', beside, 'beside')
  }
  b.createBucket('to')
  b.createBucket('root')
})

describe('from store to store', () => {
  it('every key arrives with its body, its type and its metadata, and nothing else does', async () => {
    const from = await bucketBySdk(place.sdk.a, 'from', prefix)
    expect(from.size).toBe(keys.length + 1)

    const [under, root] = await Promise.all([
      place.dray('s1', 'copy', `s3://from/${prefix}`, 's3://to/x', ...fromA, ...toB),
      place.dray('s2', 'copy', 's3://from/from here/', 's3://root', ...fromA, ...toB),
    ])
    expect(under.status, under.stderr).toBe(0)
    expect(under.result.objects).toMatchObject({ listed: from.size, copied: from.size })
    expect(await bucketBySdk(place.sdk.b, 'to', 'x/')).toEqual(from)
    expect([...place.b.objects('to')]).toHaveLength(from.size)

    // Without a prefix there, the marker has no key at all.
    expect(root.status).toBe(1)
    expect(root.result.objects).toMatchObject({ listed: from.size, copied: keys.length, failed: 1 })
    expect(root.lines.find(({ outcome }) => outcome === 'failed')).toMatchObject({
      key: '',
      code: 'unsupported-key',
    })
    from.delete('')
    expect(await bucketBySdk(place.sdk.b, 'root')).toEqual(from)
  })
})

/** Whether a path can be this key, by the rules of file systems and not by Dray's. */
function isPath(key: string): boolean {
  const segments = key.split('/')
  return segments.every(
    (part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255,
  )
}

/** Every regular file below, by path, with its content; nothing is followed. */
function files(root: string, below = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) for (const [inner, body] of files(root, path)) found.set(inner, body)
    else if (entry.isFile()) found.set(path, readFileSync(join(root, path), 'latin1'))
  }
  return found
}

const failures = ({ lines }: Outcome) =>
  lines
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ key, keyEscaped, code }) => `${code} ${displayKey(keyFromText(key))} ${keyEscaped ?? ''}`)
    .sort()

describe('between a bucket and a directory', () => {
  it('what a file system cannot hold fails with its cause, and nothing is written outside', async () => {
    const { a, at, dray } = place
    await a.put('from', `${prefix}link/inside`, 'through a link')
    await a.put('from', `${prefix}link/deep/er`, 'through a link')
    await a.put('from', `${prefix}leaf`, 'in place of a link')
    for (const dir of ['beside', 'to', 'outside']) mkdirSync(at('disk', dir), { recursive: true })
    for (const canary of ['disk/beside/x', 'disk/x', 'disk/outside/x', 'x'])
      writeFileSync(at(canary), 'canary')
    symlinkSync(at('disk/outside'), at('disk/to/link'))
    symlinkSync('../outside/x', at('disk/to/leaf'))

    const run = () => dray('s3', 'copy', `s3://from/${prefix}`, at('disk/to'), ...fromA)
    const first = await run()
    const source = await bucketBySdk(place.sdk.a, 'from', prefix)
    const held = files(at('disk/to'))
    const failed = new Map(
      first.lines.filter(({ outcome }) => outcome === 'failed').map((line) => [line.key, line]),
    )
    expect(first.status).toBe(1)
    expect(first.result.objects).toMatchObject({
      listed: source.size,
      copied: held.size,
      failed: failed.size,
    })
    expect(held.size + failed.size).toBe(source.size)

    const possible = [...source.keys()].filter((key) => isPath(key))
    for (const [key, { body }] of source) {
      const failure = failed.get(key)
      if (failure === undefined) {
        expect(held.get(key), key).toBe(body)
      } else if (!isPath(key)) {
        expect(failure, key).toMatchObject({
          code: 'unsupported-key',
          message: expect.stringMatching(/.{10}/),
        })
      } else if (key.startsWith('link/')) {
        expect(failure, key).toMatchObject({ code: 'symlink' })
      } else {
        // A file and a directory of one name: one of the two is there.
        expect(failure, key).toMatchObject({ code: 'key-clash' })
        expect(
          possible.some((other) => other.startsWith(`${key}/`) || key.startsWith(`${other}/`)),
          key,
        ).toBe(true)
      }
    }
    expect(lstatSync(at('disk/to/leaf')).isFile()).toBe(true)
    expect(readlinkSync(at('disk/to/link'))).toBe(at('disk/outside'))
    const outside = new Map([...files(at('disk'))].filter(([path]) => !path.startsWith('to/')))
    expect(outside).toEqual(new Map(['beside/x', 'outside/x', 'x'].map((path) => [path, 'canary'])))
    expect(readFileSync(at('x'), 'latin1')).toBe('canary')

    const again = await run()
    expect(again.result.objects).toMatchObject({ copied: 0, same: held.size, failed: failed.size })
    expect(failures(again)).toEqual(failures(first))
  })

  it('a directory goes back to a bucket; a name that is no text fails, with its bytes', async () => {
    const { at, b, dray } = place
    const held = files(at('disk/to'))
    const bytes = Buffer.concat([Buffer.from(`${at('disk/to')}/not utf-8 `), Buffer.from([0xff, 0x0a, 0xfe])])
    writeFileSync(bytes, 'x')
    mkdirSync(Buffer.concat([Buffer.from(at('disk/to/d')), Buffer.from([0x80])]))
    writeFileSync(
      Buffer.concat([Buffer.from(at('disk/to/d')), Buffer.from([0x80]), Buffer.from('/in it')]),
      'x',
    )
    execFileSync('mkfifo', [at('disk/to/pipe')])
    b.createBucket('back')

    const run = () => dray('s4', 'copy', at('disk/to'), 's3://back/again', ...toB)
    const first = await run()
    expect(first.status).toBe(1)
    expect(failures(first)).toEqual([
      'unsupported-key d\\x80/in it d%80/in%20it',
      'unsupported-key not utf-8 \\xff\\x0a\\xfe not%20utf-8%20%FF%0A%FE',
    ])
    expect(told(first, 'skipped')).toEqual(['link', 'pipe'])
    const back = await bucketBySdk(place.sdk.b, 'back', 'again/')
    expect(new Map([...back].map(([key, { body }]) => [key, body]))).toEqual(held)

    const again = await run()
    expect(again.result.objects).toMatchObject({ copied: 0, same: held.size, failed: 2, skipped: 2 })
    expect(failures(again)).toEqual(failures(first))
  })
})
