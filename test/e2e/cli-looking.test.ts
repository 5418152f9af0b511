/** `dray browse`, `dray scan`, `dray preflight`: by the real command line, on a control plane and an agent that stay (`dray up`). */
import { symlinkSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { drayHere } from '../support/dray-here.ts'
import { stage, upStage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 90_000 })

it('looks at stores and directories, and says whether a migration would work and what it takes', async (context) => {
  const { server, here, at, tree } = await upStage(context)
  server.createBucket('to')
  await server.put('from', '2026/a.jpg', 'four')
  await server.put('from', '2026/<b>\u202e.txt', 'b')
  await server.put('from', '2025/c', 'c')
  const endpoint = server.url.href
  const made = await here('connection', 'create', 'store', '--endpoint', endpoint, '--profile', 's3')
  expect(made.stderr).toBe('')

  const buckets = await here('browse', 's3://', '--connection', 'store')
  expect(buckets.stdout).toMatch(/ {4}bucket {2}from\n.* {4}bucket {2}to\n/)
  const top = await here('browse', 's3://from', '--connection', 'store')
  expect(top.stdout).toMatch(/folder {2}2025\/\n.*folder {2}2026\/\n$/)
  expect(top.stderr).toMatch(/^2 entries, as agent \S+ of site local sees it\.\n$/)
  const deeper = await here('browse', 's3://from/2026', '--connection', 'store')
  expect(deeper.stdout).toContain('<b>\\u{202e}.txt\n')
  expect(deeper.stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}.* B {2}/)
  const json = await here('browse', 's3://from/2026', '--connection', 'store', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({
    site: 'local',
    entries: [
      { kind: 'object', name: '<b>\u202e.txt' },
      { name: 'a.jpg', bytes: 4 },
    ],
  })
  const data = tree('data', { 'x/y': 'y', 'a.txt': 'a' })
  symlinkSync('/etc', at('data', 'etc'))
  expect((await here('browse', data)).stdout).toMatch(/1 B {2}a\.txt\n.*symlink {2}etc\n.*folder {2}x\/\n$/)

  const scan = await here('scan', 's3://from', '--connection', 'store', '--include', '*.jpg', '--to', 'aws')
  expect(scan.stdout).toMatch(/taken +1 +4 B\nleft out +2 +2 B\n/)
  expect(scan.stdout).toContain('Taken, for example: 2026/a.jpg\n')
  expect(scan.stdout).toMatch(/To copy it, less than a second with one agent/)
  expect(scan.stdout).toMatch(/destination +2 +0 +1 +< \$0\.01 +\$0\.00\n/)
  expect(scan.stdout).toContain('public list price; yours may differ')
  const counted = await here('scan', data, '--to', 'store', '--json')
  expect(JSON.parse(counted.stdout)).toMatchObject({
    ...{ taken: { objects: 2, bytes: 2 }, others: 1 },
    estimate: { source: { cost: null }, destination: { requests: { write: 2 }, cost: { total: 0 } } },
  })

  const both = ['--source-connection', 'store', '--destination-connection', 'store']
  const good = await here('preflight', 's3://from', 's3://to', ...both)
  expect([good.status, good.stderr]).toEqual([0, ''])
  expect(good.stdout).toMatch(
    /ok +reach .*\n[\s\S]*ok +write +destination .*\n[\s\S]*\nNothing stops it\.\n$/,
  )
  const bad = await here('preflight', 's3://from', 's3://from/x', ...both)
  expect(bad.status).toBe(1)
  expect(bad.stdout).toMatch(/STOP +overlap .*is inside the source/)
  expect(bad.stdout).toMatch(/It would not work: one thing stops it\.\n$/)
  const missing = await here('browse', 's3://nowhere', '--connection', 'store')
  expect([missing.status, missing.stderr]).toEqual([
    2,
    `dray: There is no bucket "nowhere" at ${server.url.origin}.\n  Check the name and the endpoint, or create the bucket first.\n`,
  ])
})

it('says what is missing of a command', async (context) => {
  const { at } = await stage(context)
  const here = (...args: string[]) => drayHere(args, { cwd: at(), stateDir: at('state') })
  for (const [args, says] of [
    [['browse', 's3://'], 'nothing says whose buckets these are'],
    [['browse', 'here'], 'PLACE is a path that begins here'],
    [['browse', '/x', '--profile', 'p'], '--profile is given, but PLACE is a path'],
    [
      ['scan', 's3://b', '--connection', 'c', '--requester-pays'],
      '--connection and --requester-pays are both',
    ],
    [['scan', 's3://b', '--include', ''], 'a pattern is empty'],
    [['preflight', 'a', 's3://b'], 'SRC is a path that begins here'],
    [['browse', 's3://b'], 'there is no control plane to ask'],
  ] as const) {
    const { status, stderr } = await here(...args)
    expect([status, stderr]).toEqual([2, expect.stringContaining(says)])
  }
})
