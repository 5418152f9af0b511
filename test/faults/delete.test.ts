/** --delete: nothing is deleted on the word of a listing that was not complete, nor what has changed since. */

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  endsIncomplete,
  extra,
  extras,
  isList,
  isTriedAgain,
  key,
  keysOf,
  objects,
  past,
  prepare,
} from '../support/broken-listings.ts'
import { checked, fromA, openPlace, type Place, toB, told } from '../support/place.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

/** Who may not read a directory of ours; such a process only we can begin, and only where it can read the program. */
const nobody = 65_534
const program = resolve(import.meta.dirname, '../../agent/main.ts')
const nobodyCanRun =
  process.getuid?.() === 0 && spawnSync(process.execPath, ['--check', program], { uid: nobody }).status === 0

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

describe('a listing of the source that is not complete', () => {
  it('is no word to delete on, whether it may get better or not', async () => {
    await Promise.all([
      endsIncomplete(place, 'denied'),
      endsIncomplete(place, 'backwards'),
      isTriedAgain(place, 'cut'),
    ])
  })
})

describe('what is deleted', () => {
  it('is what neither the filter leaves out nor the source has by now, if it is still what was listed', async () => {
    const { a, b, dray } = place
    for (const name of ['stays', 'with space', 'z']) {
      await a.put('now', name, name)
      await b.put('now', name, name)
    }
    const gone = ['away', 'dir/away', 'with%2Fescape', '\u{1f600}']
    const kept = ['appears', 'changes', 'denied', 'broken', 'left-out.keep', 'dir/left-out.keep']
    for (const name of [...gone, ...kept]) await b.put('now', name, `old ${name}`)
    const args = ['copy', 's3://now', 's3://now', ...fromA, ...toB, '--delete', '--exclude', '*.keep']

    const before = keysOf(b, 'now')
    const dry = await dray('now', ...args, '--dry-run')
    expect(dry.status, dry.stderr).toBe(0)
    expect(dry.result.objects.deleted).toBe(gone.length + kept.length - 2)
    expect(keysOf(b, 'now')).toEqual(before)

    a.hooks = {
      beforeRequest: async ({ operation, key: asked, bucket }) => {
        if (bucket !== 'now' || operation !== 'HeadObject') return null
        if (asked === 'appears') await a.put('now', 'appears', 'it is here now')
        if (asked === 'changes') await b.put('now', 'changes', 'by somebody else')
        if (asked === 'denied') return { status: 403, code: 'AccessDenied' }
        return asked === 'broken' ? { status: 500, code: 'InternalError' } : null
      },
    }
    const real = await dray('now', ...args)
    expect(real.status, real.stderr).toBe(1)
    expect(told(real, 'deleted')).toEqual(gone.toSorted())
    const causes = real.lines
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ key: name, code }) => [name, code])
    expect(Object.fromEntries(causes)).toEqual({
      changes: 'changed',
      denied: 'access-denied',
      broken: 'server-error',
    })
    expect(keysOf(b, 'now').sort()).toEqual([...kept, 'stays', 'with space', 'z'].sort())
    expect((await b.object('now', 'changes')!.body()).toString()).toBe('by somebody else')
    a.hooks = {}
  })

  it('is nothing that the source has, though its listing leaves it out', async () => {
    const { a, b, dray } = place
    const args = await prepare(place, 'silent')
    a.hooks = {
      beforeRequest: (info) =>
        info.bucket !== 'silent' || !isList(info)
          ? null
          : past(info)
            ? { listing: () => [] }
            : // Not the last page, whatever it says: it names the next one.
              { document: (xml) => xml.replace('<IsTruncated>true<', '<IsTruncated>false<') },
    }
    const { result } = await dray('silent', 'copy', ...args)
    expect(result.objects.deleted).toBe(extras.length)
    expect(keysOf(b, 'silent')).toEqual(keysOf(a, 'silent'))
    a.hooks = {
      beforeRequest: (info) =>
        info.bucket === 'silent' && isList(info)
          ? { document: (xml) => xml.replace('<IsTruncated>true<', '<IsTruncated>false<') }
          : null,
    }
    b.createBucket('fresh')
    const all = await dray('fresh', 'copy', 's3://silent', 's3://fresh', ...fromA, ...toB)
    expect(all.result.objects).toMatchObject({ listed: objects, copied: objects })
    a.hooks = {}
  })
})

describe('a directory', () => {
  it('that is replaced while it is copied has not lost its files', async () => {
    const { at, b, dray } = place
    mkdirSync(at('source'))
    for (let i = 0; i < 2_500; i++) writeFileSync(at('source', key(i)), 'x')
    for (let i = 0; i < 2_500; i += 10) await b.put('disk', `d/${extra(i)}`, 'more')
    const before = keysOf(b, 'disk').length
    let isReplaced = false
    b.hooks = {
      beforeRequest: ({ operation, bucket }) => {
        if (operation === 'PutObject' && bucket === 'disk' && !isReplaced) {
          isReplaced = true
          renameSync(at('source'), at('moved'))
          mkdirSync(at('source'))
        }
        return null
      },
    }
    const { status, result } = await dray('disk', 'copy', at('source'), 's3://disk/d', ...toB, '--delete')
    expect([status, result.state]).toEqual([1, 'incomplete'])
    expect(result.objects).toMatchObject({ deleted: 0, vanished: 0 })
    expect(keysOf(b, 'disk').filter((k) => k.endsWith('extra'))).toHaveLength(before)
    b.hooks = {}
  })

  it.runIf(nobodyCanRun)(
    'in which one may not be read is copied but for that; what is in it is not deleted',
    async () => {
      const { at } = place
      for (const dir of ['a', 'locked', 'z']) {
        for (const side of ['some', 'copy']) {
          mkdirSync(at('shared', side, dir), { recursive: true })
          writeFileSync(at('shared', side, dir, 'same'), 'x')
        }
        writeFileSync(at('shared/some', dir, 'new'), 'x')
        writeFileSync(at('shared/copy', dir, 'more'), 'x')
      }
      mkdirSync(at('shared/state'))
      execFileSync('chown', ['-R', `${nobody}:${nobody}`, at('shared/copy'), at('shared/state')])
      chmodSync(at('shared/some/locked'), 0o700)
      chmodSync(at(), 0o711)
      const args = ['copy', at('shared/some'), at('shared/copy'), '--delete']
      const { status, result } = checked(await place.begin('shared/state', { uid: nobody }, ...args).ended)
      expect([status, result.state]).toEqual([1, 'incomplete'])
      expect(result.objects).toMatchObject({ deleted: 2, vanished: 0 })
      expect(readFileSync(result.report, 'utf8')).toContain(
        `The directory ${at('shared/some/locked')} cannot be listed`,
      )
      const left = readdirSync(at('shared/copy'), { recursive: true, encoding: 'utf8' }).sort()
      const names = { a: ['new', 'same'], locked: ['more', 'same'], z: ['new', 'same'] }
      expect(left).toEqual(
        Object.entries(names).flatMap(([dir, files]) => [dir, ...files.map((name) => `${dir}/${name}`)]),
      )
    },
  )
})
