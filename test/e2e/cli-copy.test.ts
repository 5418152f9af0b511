/** `dray copy` and `dray verify`, the way a script calls them, checked by the disk and the server themselves. */
import { existsSync, lstatSync, mkdirSync, symlinkSync, utimesSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { contents, report, reported, stage } from './cli-stage.ts'

// The machine may be busy with other suites; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 90_000 })

describe.concurrent('dray', () => {
  // First, since it waits for the pauses between attempts while the others go on.
  it('ends with 1 and says why when the store goes away for good', async (context) => {
    const { server, holdAfter, start } = await stage(context)
    server.fill('from', { count: 200, key: (i) => `key-${i}`, size: () => 100 })
    server.createBucket('to')
    const hold = holdAfter(100)
    const { ended } = start('copy', 's3://from', 's3://to', '--json')
    await hold.reached
    await server.stop()
    const { status, stderr, stdout } = await ended
    expect(status).toBe(1)
    expect(JSON.parse(stdout).state).toBe('incomplete')
    expect(stderr).toContain(`Nothing listens at ${server.url.origin}`)
  })

  it('copies a directory to a directory, and a second time nothing', async (context) => {
    const { at, tree, run, json } = await stage(context)
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
      evidence: { 'size+mtime': 3 },
      packets: expect.any(Number),
      seconds: expect.any(Number),
      report: at('state', 'reports', `${first.result.migration}-1.ndjson`),
    })
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(contents(at('to'))).toEqual(contents(from))
    expect(lstatSync(at('to/a')).mtimeMs).toBe(1_000_000_000_250)
    expect(reported(first.result.report)).toEqual([
      'copied a',
      'copied deep/empty',
      'copied deep/er/b',
      'skipped link',
    ])

    const second = await run('copy', from, at('to'))
    expect(second.status).toBe(0)
    expect(second.stdout).toMatch(
      /^Complete: everything in .* already, but for 1 skipped\. Nothing was copied\.$/m,
    )
  })

  it('copies to a bucket and back, and verifies', async (context) => {
    const { server, at, tree, run, json, stored } = await stage(context)
    const large = Buffer.alloc(9 * 1024 * 1024, 'large')
    const from = tree('from', { a: 'a', 'deep/b': 'b', large })
    server.createBucket('there')
    const up = await json('copy', from, 's3://there/folder')
    expect(up.result.objects).toMatchObject({ listed: 3, copied: 3, failed: 0 })
    expect(Object.keys(await stored('there'))).toEqual(['folder/a', 'folder/deep/b', 'folder/large'])

    const down = await json('copy', 's3://there/folder/', at('back'))
    expect(down.status, down.stderr).toBe(0)
    expect(contents(at('back'))).toEqual(contents(from))

    expect((await run('verify', from, 's3://there/folder')).status).toBe(0)
    await server.put('there', 'folder/a', 'A')
    await server.put('there', 'folder/more', 'x')
    server.delete('there', 'folder/deep/b')
    const differs = await json('verify', from, 's3://there/folder')
    expect(differs.status).toBe(1)
    expect(differs.result).toMatchObject({
      state: 'incomplete',
      objects: { listed: 3, same: 1, copied: 0, failed: 2, extra: 1 },
      bytes: { copied: 0 },
    })
    expect(reported(differs.result.report)).toEqual(['differs a', 'extra more', 'missing deep/b'])
  })

  it('takes a prefix for a folder, and a single object or file by its own name', async (context) => {
    const { server, at, json } = await stage(context)
    for (const key of ['photos/a', 'photos/b', 'photos2/c', 'alone']) await server.put('pictures', key, key)
    const folder = await json('copy', 's3://pictures/photos', at('folder'))
    expect(folder.result.objects.listed).toBe(2)
    expect(contents(at('folder'))).toEqual({ a: 'photos/a', b: 'photos/b' })

    const object = await json('copy', 's3://pictures/photos/a', at('object'))
    expect(object.result.objects).toMatchObject({ listed: 1, copied: 1 })
    expect(contents(at('object'))).toEqual({ a: 'photos/a' })

    const file = await json('copy', at('folder/b'), 's3://pictures/sub')
    expect(file.result.objects).toMatchObject({ listed: 1, copied: 1 })
    expect(server.object('pictures', 'sub/b')?.size).toBe(8)
  })

  it('counts in a dry run what the copy ends with, and changes nothing', async (context) => {
    const { server, at, tree, json, stored } = await stage(context)
    const from = tree('from', { a: 'new', b: 'b', 'c.tmp': 'c' })
    await server.put('dry', 'a', 'old')
    await server.put('dry', 'gone', 'x')
    const args = ['copy', from, 's3://dry', '--delete', '--exclude', '*.tmp']
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

  it('names what it could not copy, with its cause, and ends with 1', async (context) => {
    const { server, at, json } = await stage(context)
    await server.put('odd', 'fine', 'x')
    await server.put('odd', 'dots/../up', 'x')
    await server.put('odd', 'double//slash', 'x')
    const { status, stdout, stderr, result } = await json('copy', 's3://odd', at('to'))
    expect(status).toBe(1)
    expect(result).toMatchObject({ state: 'incomplete', objects: { listed: 3, copied: 1, failed: 2 } })
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toContain('2 objects: unsupported-key')
    expect(stderr).toContain('dots/../up')
    const failed = report(result.report).filter(({ outcome }) => outcome === 'failed')
    expect(failed.map(({ code }) => code)).toEqual(['unsupported-key', 'unsupported-key'])
    expect(contents(at('to'))).toEqual({ fine: 'x' })
  })

  it('finishes an empty source', async (context) => {
    const { at, json } = await stage(context)
    mkdirSync(at('nothing'))
    const { status, result } = await json('copy', at('nothing'), at('to'))
    expect([status, result.state, result.objects.listed]).toEqual([0, 'complete', 0])
  })
})
