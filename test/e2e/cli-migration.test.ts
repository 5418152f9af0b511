/** `dray migration …`: by the real command line, on a control plane and an agent that stay (`dray up`). */
import { existsSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { drayHere } from '../support/dray-here.ts'
import { contents, reported, stage, upStage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 90_000 })

describe('dray migration', { concurrent: true }, () => {
  it('makes a migration, moves what is there, and tells what became of it', async (context) => {
    const { server, run, here, at, stored } = await upStage(context)
    await server.put('from', '2026/a', 'a')
    await server.put('from', '2026/b.tmp', 'b')
    await server.put('from', '2025/c', 'c')
    await server.put('to', 'old', 'o')
    const create = [
      'migration',
      'create',
      'photos',
      's3://from/2026',
      's3://to',
      '--exclude',
      '*.tmp',
      '--delete',
    ]
    const made = await here(...create, '--priority', 'high')
    expect(made.stderr).toBe('')
    expect(made.stdout).toBe(
      'photos: s3://from/2026/ → s3://to/\nStart a pass with: dray migration start photos\nOr follow what changes: dray migration follow photos\n',
    )
    expect((await here(...create)).status).toBe(0)
    const polite = await here(...create, '--compare', 'mtime')
    expect([polite.status, polite.stderr]).toEqual([
      2,
      'dray: the migration photos is there already, with another policy\n  Change it: dray migration policy photos and the same options\n',
    ])
    const policy = await here('migration', 'policy', 'photos', '--compare', 'mtime', '--tags', 'drop')
    expect(policy.stdout).toBe('The passes of photos: fidelity tags drop, compare mtime.\n')
    await here('migration', 'policy', 'photos', '--delete')
    const other = await here(...create, '--include', 'a')
    expect(other.status).toBe(2)
    expect(other.stderr).toContain('the migration photos has another source, destination, filter')
    expect((await here('migration', 'watch', 'photos')).stderr).toContain('no pass of photos has begun yet')

    const dry = await here('migration', 'start', 'photos', '--dry-run', '--no-delete', '--watch', '--json')
    expect(dry.status, dry.stderr).toBe(0)
    expect(JSON.parse(dry.stdout)).toMatchObject({
      ...{ migration: 'photos', pass: 1, dryRun: true, report: null },
      objects: { listed: 1, copied: 1, deleted: 0 },
    })
    const moved = await run('migration', 'start', 'photos', '--watch')
    expect(moved.status, moved.stderr).toBe(0)
    expect(moved.stdout).toMatch(/^Complete: everything in s3:\/\/from\/2026\/ is in s3:\/\/to\//)
    expect(moved.stdout).toContain('dray migration report photos --pass 2')
    expect(await stored('to')).toEqual({ a: 'a' })

    expect((await here('migration', 'failures', 'photos')).stdout).toBe(
      'Nothing failed in pass 2 of photos.\n',
    )
    const shown = await here('migration', 'photos')
    expect(shown.stdout).toMatch(/^priority +high$/m)
    expect(shown.stdout).toMatch(/^policy +delete$/m)
    expect((await here('migration', 'show', 'photos')).stdout).toBe(shown.stdout)
    const lines = (await here('migration', 'report', 'photos')).stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).outcome).sort()).toEqual(['copied', 'deleted'])
    await here('migration', 'report', 'photos', '--pass', '2', '--output', at('report.ndjson'))
    expect(reported(at('report.ndjson'))).toEqual(['copied a', 'deleted old'])

    await here('migration', 'priority', 'photos', 'low')
    expect(JSON.parse((await here('migration', 'photos', '--json')).stdout).priority).toBe('low')
    const verified = await here('migration', 'start', 'photos', '--verify', '--depth', 'full', '--watch')
    expect(verified.stdout).toMatch(/^Verified: /)
    const unasked = await here('migration', 'delete', 'photos')
    expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringContaining('Give --yes.')])
    expect((await here('migration', 'delete', 'photos', '--yes')).status).toBe(0)
    expect((await here('migration', 'photos')).status).toBe(2)

    await server.put('odd', 'a', 'a')
    await server.put('odd', 'b//c', 'c')
    const tree = await here('migration', 'create', 'tree', 's3://odd', at('tree'))
    expect(tree.status, tree.stderr).toBe(0)
    const partly = await here('migration', 'start', 'tree', '--watch')
    expect(partly.status, partly.stderr).toBe(1)
    expect(contents(at('tree'))).toEqual({ a: 'a' })
    const failed = await here('migration', 'failures', 'tree')
    expect(failed.stdout).toMatch(/^STATE +CAUSE +SIZE +KEY +MESSAGE\nopen +unsupported-key +1 B +b\/\/c +/)
    const { failures } = JSON.parse((await here('migration', 'failures', 'tree', '--json')).stdout)
    expect(failures).toMatchObject([{ key: 'b//c', code: 'unsupported-key' }])
  })

  it('stops watching at Ctrl-C, and lets the pass go on; cancel ends it', async (context) => {
    const { server, here, start, holdAfter, stored } = await upStage(context)
    server.fill('from', { count: 300, key: (i) => `key-${i}`, size: () => 100 })
    server.createBucket('to')
    await here('migration', 'create', 'slow', 's3://from', 's3://to')
    const hold = holdAfter(10)
    const watching = start('migration', 'start', 'slow', '--watch')
    await hold.reached
    watching.child.kill('SIGINT')
    const stopped = await watching.ended
    expect([stopped.status, stopped.stdout]).toEqual([130, ''])
    expect(stopped.stderr).toContain(
      'Nobody watches any more; pass 1 goes on. Again: dray migration watch slow',
    )
    const again = await here('migration', 'start', 'slow')
    expect(again.stdout).toContain('Pass 1 of slow is running already')
    const busy = await here('migration', 'start', 'slow', '--dry-run')
    expect([busy.status, busy.stderr]).toEqual([2, expect.stringContaining('is not finished')])
    const locked = await here('migration', 'delete', 'slow', '--yes')
    expect([locked.status, locked.stderr]).toEqual([2, expect.stringContaining('pass 1 of slow is running')])
    const watched = here('migration', 'watch', 'slow')
    hold.release()
    expect((await watched).status).toBe(0)
    expect(Object.keys(await stored('to'))).toHaveLength(300)

    for (const { key } of [...server.objects('to')]) server.delete('to', key)
    const second = holdAfter(10)
    await here('migration', 'start', 'slow')
    await second.reached
    expect((await here('migration', 'cancel', 'slow')).stdout).toBe('Cancelled pass 2 of slow.\n')
    second.release()
    const over = await here('migration', 'watch', 'slow')
    expect([over.status, over.stdout]).toEqual([1, 'Cancelled: pass 2 of slow.\n'])
    expect((await here('migration', 'cancel', 'slow')).stdout).toBe(
      'Pass 2 of slow was over already: cancelled.\n',
    )
  })
})

it('refuses what makes no sense, and touches nothing', async (context) => {
  const { at } = await stage(context)
  const nowhere = ['--control-plane', 'http://127.0.0.1:1', '--token', 'x']
  const refused = async (...args: string[]) => {
    const whole = ['migration', ...args, ...nowhere]
    const { status, stderr } = await drayHere(whole, { cwd: at('.'), stateDir: at('state') })
    expect(status, stderr).toBe(2)
    return stderr
  }
  expect(await refused('create', 'm', 'photos', 's3://to')).toContain(
    'SRC is a path that begins here: photos',
  )
  expect(await refused('start', 'm', '--depth', 'full')).toContain('--depth is given without --verify')
  expect(
    await refused(
      'create',
      'm',
      's3://a',
      's3://b',
      '--workspace',
      'w',
      '--source-connection',
      'c',
      '--source-profile',
      'p',
    ),
  ).toContain('--source-connection and --source-profile are both given')
  expect(await refused('create', 'm', '/a', 's3://b', '--workspace', 'w')).toContain(
    'nothing says where /a is',
  )
  expect(await refused('create', 'm', 's3://a', 's3://b', '--encryption', 'rot13')).toContain(
    '--encryption rot13',
  )
  expect(existsSync(at('state'))).toBe(false)
})
