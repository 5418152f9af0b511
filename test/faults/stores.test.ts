/** Sides in trouble, full disks and interrupted large objects: the slower half of test/e2e/faults.test.ts. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { fromA, openPlace, type Place, toB } from '../support/place.ts'
import { bytes, MiB, overcomes, putInParts } from '../support/troubles.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

const name = (i: number) => `o-${String(i).padStart(4, '0')}`

describe('a side in trouble', () => {
  it('is said once, and when its cause is gone the same command goes on', async () => {
    await overcomes(place, 'expired', { status: 400, code: 'ExpiredToken' }, 'bad-credentials', /has expired/)
    await overcomes(place, 'full', { status: 507, code: 'InsufficientStorage' }, 'no-space', /no room left/)
  })

  it.runIf(canMount())(
    'a full or read-only file system is said so, and is filled when there is room',
    async () => {
      const { a, at, dray } = place
      a.fill('disk', { count: 300, key: name, size: () => 8_000 })
      mkdirSync(at('tmpfs'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', at('tmpfs')])
      try {
        const args = ['copy', 's3://disk', at('tmpfs', 'to'), ...fromA]
        const full = await dray('of-full', ...args)
        expect(full.status).toBe(1)
        expect(full.stderr).toContain('The file system is full.')
        expect(full.result.objects.failed).toBe(0)
        const had = readdirSync(at('tmpfs', 'to'))
        expect(had.filter((file) => file.startsWith('.'))).toEqual([])

        const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, at('tmpfs')])
        remount('size=20m')
        let reads = 0
        a.hooks = {
          beforeRequest: ({ operation, bucket }) => {
            if (operation === 'GetObject' && bucket === 'disk' && ++reads === 50) remount('ro')
            return null
          },
        }
        const readOnly = await dray('of-full', ...args, '--concurrency', '1')
        a.hooks = {}
        expect(readOnly.status).toBe(1)
        expect(readOnly.stderr).toContain('The file system is mounted read-only.')
        expect(readOnly.result.objects.failed).toBe(0)
        const held = readdirSync(at('tmpfs', 'to')).length
        expect(held).toBeGreaterThan(had.length)
        remount('rw')
        const done = await dray('of-full', ...args)
        expect(done.status, done.stderr).toBe(0)
        expect(done.result.objects).toMatchObject({ listed: 300, same: held, copied: 300 - held })
        for (const object of a.objects('disk'))
          expect(readFileSync(at('tmpfs', 'to', String(object.key)))).toEqual(await object.body())
      } finally {
        execFileSync('umount', ['-l', at('tmpfs')])
      }
    },
  )

  it.runIf(canMount())(
    'a state directory without room says that it is that disk, and is no defect',
    async () => {
      const { a, at } = place
      a.fill('many', { count: 6_000, key: (i) => `${name(i)}-with-a-rather-long-name`, size: () => 8 })
      mkdirSync(at('many'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=650k', 'none', at('many')])
      try {
        const args = ['copy', 's3://many', at('many-to'), ...fromA]
        const full = await place.begin('many', ...args).ended
        expect(full.status).not.toBe(0)
        expect(full.stderr).toContain('the disk that Dray keeps its state on is full')
        expect(full.stderr).not.toContain('defect')
      } finally {
        execFileSync('umount', ['-l', at('many')])
      }
    },
  )
})

describe('large objects', () => {
  it('keep their ETags, and are gone on with where they were interrupted: no part goes up twice', async () => {
    const { a, b, sdk } = place
    a.hooks = {}
    const sizes: [string, number, number][] = [
      ['five', 61 * MiB + 12_345, 5 * MiB],
      ['seven', 70 * MiB, 7 * MiB],
      ['fifteen', 62 * MiB + 1, 15 * MiB],
    ]
    a.createBucket('large')
    for (const [i, [key, size, part]] of sizes.entries()) {
      await putInParts(sdk.a, 'large', key, bytes(size, i), part)
    }
    b.createBucket('large')
    const held = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    b.hooks = {
      beforeRequest: async ({ operation, nth, bucket }) => {
        if (bucket !== 'large' || operation !== 'UploadPart' || nth < 12) return null
        reached.resolve()
        await held.promise
        return null
      },
    }
    const args = ['copy', 's3://large', 's3://large', ...fromA, ...toB]
    const first = place.begin('large', ...args)
    await reached.promise
    first.child.kill('SIGINT')
    expect((await first.ended).status).toBe(130)
    held.resolve()
    const partsThere = () => b.uploads('large').reduce((sum, { parts }) => sum + parts, 0)
    let there = -1
    // What it had sent may still be arriving.
    while (there !== partsThere()) {
      there = partsThere()
      await setTimeout(200)
    }
    expect(there, 'what is there stays').toBeGreaterThan(0)

    b.hooks = {}
    b.requests.reset()
    const done = await place.dray('large', ...args)
    expect(done.status, done.stderr).toBe(0)
    const listed = (server: Place['a']) =>
      [...server.objects('large')].map(({ key, etag, headers }) => [key, etag, headers['content-type']])
    expect(listed(b)).toEqual(listed(a))
    expect(b.uploads('large')).toEqual([])
    expect(there + b.requests.count('UploadPart')).toBe(13 + 10 + 5)
  })
})

/** Whether this process may mount file systems; a full one cannot be had otherwise. */
function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'dray-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', dir], { stdio: 'ignore' })
    execFileSync('umount', [dir], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
