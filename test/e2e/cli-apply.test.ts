/** `dray apply` and `dray schedule`: by the real command line, against a real control plane. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { nouns } from '../../agent/cli/apply/nouns.ts'
import { planeClient } from '../../agent/cli/plane-client.ts'
import { run } from '../support/dray.ts'
import { drayHere } from '../support/dray-here.ts'
import { type Plane, startPlane } from '../support/plane.ts'

vi.setConfig({ testTimeout: 60_000 })

let plane: Plane
let work: string
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dray-apply-'))
  plane = await startPlane()
})
afterAll(async () => {
  await plane.stop()
  rmSync(work, { recursive: true })
})

const api = (path: string) => `/api/workspaces/local/${path}`
beforeEach(async () => {
  for (const list of ['webhooks', 'schedules', 'migrations', 'limits', 'connections', 'sites']) {
    const { json } = await plane.api<Record<string, { id?: string; endpoint: string }[]>>('GET', api(list))
    for (const { id, endpoint } of json[list]!) {
      await plane.api('DELETE', api(`${list}/${encodeURIComponent(id ?? endpoint)}`))
    }
  }
})

const environment = () => ({
  DRAY_CONTROL_PLANE: plane.url.href,
  DRAY_TOKEN: plane.token,
  DRAY_STATE_DIR: join(work, 'state'),
  SLACK: 'https://hooks.example.com/services/T0/B0/planted-secret',
})
const spawned = (...args: string[]) => run(args, environment())

const here = () => ({ cwd: work, stateDir: join(work, 'state'), env: environment() })
const dray = (...args: string[]) => drayHere(args, here())
function apply(text: string, ...args: string[]) {
  writeFileSync(join(work, 'dray.yaml'), text)
  return dray('apply', 'dray.yaml', ...args)
}

const whole = `
sites:
  paris: { region: eu-west-3, labels: { env: prod } }
connections:
  old: { endpoint: https://s3.example.com, credential: sealed, sites: [paris] }
  new: { region: eu-central-1, credential: { profile: backup } }
limits:
  S3.example.com:
    bandwidth: 50000000
    windows: [{ days: [mon], from: 08:00, to: 18:00, bandwidth: 10000000 }]
migrations:
  photos:
    source: { connection: old, bucket: photos, prefix: 2026/ }
    destination: { connection: new, bucket: photos-2026 }
    policy: { delete: true }
    follow: { lag: 60, events: [{ kind: webhook }], baseline: { connection: new, bucket: state } }
    priority: high
  tree:
    source: { path: /srv/tree, site: paris }
    destination: { connection: new, bucket: tree }
    filter: { exclude: ['*.tmp', '*.bak'] }
    mapping: { kind: template, to: 'new/{key}' }
schedules:
  nightly: { migration: photos, cron: 0 2 * * *, zone: Europe/Paris }
webhooks:
  ops: { url: $SLACK, format: slack }
`

describe('dray apply', () => {
  it('makes what the file says, and finds nothing to do the next time', async () => {
    const file = join(work, 'dray.yaml')
    writeFileSync(file, whole)
    const planned = await spawned('apply', file, '--plan')
    expect([planned.status, planned.stderr]).toEqual([1, ''])
    expect(planned.stdout).toContain(
      '+ connection old\n    endpoint: https://s3.example.com\n    sites: ["paris"]',
    )
    expect(planned.stdout).toContain('\nPlan for workspace local: 8 to create.\n')
    expect((await plane.api<{ sites: [] }>('GET', api('sites'))).json.sites).toEqual([])

    const unasked = await spawned('apply', file)
    expect([unasked.status, unasked.stderr]).toEqual([1, expect.stringContaining('Give --yes')])

    const made = await spawned('apply', file, '--yes')
    expect(made.status, made.stderr).toBe(0)
    expect(made.stdout).toMatch(/created site paris\ncreated connection old\n/)
    expect(made.stderr).toBe('Now seal its secret: dray connection seal old\n')
    const photos = await plane.api('GET', api('migrations/photos'))
    expect(photos.json).toMatchObject({
      source: { kind: 's3', connection: 'old', bucket: 'photos', prefix: '2026/', endpoint: null },
      policy: { delete: true },
      follow: {
        lag: 60,
        quiet: 60,
        events: [{ kind: 'webhook' }],
        baseline: { bucket: 'state', prefix: '' },
      },
      priority: 'high',
    })
    expect((await plane.api('GET', api('limits/https%3A%2F%2Fs3.example.com'))).json).toMatchObject({
      bandwidth: 50_000_000,
    })
    const again = await spawned('apply', file, '--yes')
    expect(again.status).toBe(0)
    expect(again.stdout).toMatch(/^= site paris\n/)
    expect(again.stdout).toContain('Plan for workspace local: 8 unchanged.\n')
    for (const { stdout, stderr } of [planned, made, again]) expect(stdout + stderr).not.toContain('planted')
  })

  it('exports what is there as a file that changes nothing', async () => {
    await apply(whole, '--yes')
    const { stdout } = await dray('apply', '--export')
    expect(stdout).not.toContain('planted')
    expect(stdout).toContain('  ops:\n    url: $WEBHOOK_OPS\n    format: slack\n')
    expect(stdout).toContain(
      '  photos:\n    source:\n      bucket: photos\n      prefix: 2026/\n      connection: old\n',
    )
    expect(stdout).toContain(
      '    follow:\n      lag: 60\n      events:\n        - kind: webhook\n      baseline:\n        bucket: state\n',
    )
    const again = await apply(stdout, '--prune', '--yes')
    expect([again.status, again.stderr]).toEqual([0, ''])
    expect(again.stdout).toContain('Plan for workspace local: 8 unchanged.\n')
  })

  it('exports filters that lists leave out', async () => {
    const exclude = Array.from({ length: 300 }, (_, i) => `folder-${i}/**`)
    const text = `migrations:\n  long:\n    source: { path: /a, site: paris }\n    destination: { path: /b, site: paris }\n    filter: { exclude: ${JSON.stringify(exclude)} }\n`
    expect((await apply(text, '--yes')).stderr).toBe('')
    const { stdout } = await dray('apply', '--export')
    for (const pattern of exclude) expect(stdout).toContain(pattern)
    const again = await apply(stdout, '--yes')
    expect(again.stdout).toContain('Plan for workspace local: 1 unchanged.\n')
  })

  it('changes what differs, field by field, and deletes only when it is told to', async () => {
    await apply(whole, '--yes')
    const edited = whole
      .replace('[paris]', '[paris, rome]')
      .replace('bandwidth: 50000000', 'bandwidth: 70000000')
      .replace('priority: high', 'priority: low')
      .replace('{ delete: true }', '{ compare: mtime, fidelity: { tags: drop } }')
      .replace('0 2 * * *', '0 3 * * *')
      .replace(/ {2}tree:[\s\S]*?(?=schedules)/, '')
      .replace(/webhooks:[\s\S]*/, '')
    const kept = await apply(edited, '--plan')
    expect(kept.stdout).toContain(
      [
        '~ connection old',
        '    sites: ["paris"] → ["paris","rome"]',
        '= connection new',
        '~ limit https://s3.example.com',
        '    bandwidth: 50000000 → 70000000',
        '~ migration photos',
        '    policy.delete: true → (none)',
        '    policy.fidelity.tags: (none) → drop',
        '    policy.compare: (none) → mtime',
        '    priority: high → low',
        '~ schedule nightly',
        '    cron: "0 2 * * *" → "0 3 * * *"',
      ].join('\n'),
    )
    expect(kept.stdout).not.toContain('- ')
    const pruned = await apply(edited, '--prune', '--yes', '--json')
    expect(pruned.status, pruned.stderr).toBe(0)
    const { changes } = JSON.parse(pruned.stdout) as {
      changes: { action: string; id: string; done: boolean }[]
    }
    expect(changes.filter(({ done }) => done).map(({ action, id }) => `${action} ${id}`)).toEqual([
      ...['change old', 'change https://s3.example.com', 'change photos', 'change nightly', 'delete tree'],
    ])
    // A section that the file does not have is none of its business.
    expect((await plane.api<{ webhooks: unknown[] }>('GET', api('webhooks'))).json.webhooks).toHaveLength(1)
    expect((await apply(edited, '--prune')).status).toBe(0)
    const none = await apply('schedules:\nmigrations:\nconnections: {}\n', '--prune', '--yes')
    expect(none.stdout).toMatch(
      /deleted schedule nightly\ndeleted migration photos\ndeleted connection old\ndeleted connection new\n/,
    )
  })

  it('will not make another migration of one that is there', async () => {
    await apply(whole, '--yes')
    const other = await apply(
      whole.replace('bucket: photos,', 'bucket: fotos,').replace('mon', 'tue'),
      '--yes',
    )
    expect(other.status).toBe(2)
    expect(other.stdout).toContain('! migration photos\n    source.bucket: photos → fotos\n')
    expect(other.stderr).toMatch(
      /dray.yaml:13: migration photos is there with another source, and does not change/,
    )
    expect(other.stdout).not.toContain('changed limit')
  })

  it('says where the file is wrong, and what is right', async () => {
    const wrong = async (text: string) => {
      const { status, stdout, stderr } = await apply(text)
      expect([status, stdout]).toEqual([2, ''])
      return stderr
    }
    expect(await wrong('sites:\n  paris: {\nmigrations: ]')).toMatch(
      /^dray: dray.yaml:\d: .*\n {2}Correct it/,
    )
    expect(await wrong('sites: {}\nsites: {}')).toMatch(/^dray: dray.yaml:2: .*unique/)
    expect(await wrong('- a')).toContain('dray.yaml:1: this is no list of sections')
    expect(await wrong('sits: {}')).toBe(
      'dray: dray.yaml:1: sits: there is no such field\n  There are sites, connections, limits, migrations, schedules, webhooks.\n',
    )
    expect(
      await wrong('migrations:\n  m:\n    source:\n      buckett: b\n    destination: { bucket: b }\n'),
    ).toMatch(
      /dray.yaml:3: migrations.m.source.bucket: this is missing\n {2}dray.yaml:4: migrations.m.source.buckett: there is no such field\n {2}A place is \{ connection: NAME/,
    )
    expect(await wrong('connections:\n  c:\n    credential: seeled\n    secret: x\n')).toContain(
      'dray.yaml:3: connections.c.credential: one of sealed, default, anonymous and { profile: NAME }',
    )
    expect(await wrong('schedules:\n  s:\n    migration: m\n    cron: hourly\n')).toMatch(
      /dray.yaml:4: schedules.s.cron: five fields.*\n {2}A schedule has migration, starts, cron, at, zone, window, blackouts, options, enabled/,
    )
    expect(await wrong('schedules:\n  s: { migration: m, cron: 0 * * * * }\nmigrations: {}\n')).toContain(
      'dray.yaml:2: schedules.s.migration: there is no migration m, in the file or in workspace local',
    )
    expect(await wrong('webhooks:\n  w:\n    url: $NOTHING\n')).toContain(
      'dray.yaml:3: webhooks.w.url: the environment has no',
    )
    expect(await wrong('sites:\n  Paris: {}\n')).toContain(
      'dray.yaml:2: sites.Paris: no name for this: lower-case',
    )
    expect(
      await wrong('limits:\n  a.example.com: { requests: 1 }\n  A.example.com: { requests: 2 }\n'),
    ).toContain('one endpoint')
  })

  it('stops at the first error, and says what was done and what was not', async () => {
    const text = `${whole.replace(/webhooks:[\s\S]*/, '').replace('0 2 * * *', '0 2 31 2 *')}webhooks:\n  ops: { url: 'http://10.0.0.1/x' }\n`
    const stopped = await apply(text, '--yes')
    expect(stopped.status).toBe(1)
    expect(stopped.stdout).toMatch(/created migration tree\n$/)
    expect(stopped.stderr).toMatch(
      /dray.yaml:24: schedule nightly: cron: 0 2 31 2 \* is never due\n {2}Give a day .*\n {2}not done: create schedule nightly\n {2}not done: create webhook ops\n$/,
    )
    expect((await apply(whole, '--yes')).status).toBe(0)
  })

  it('asks at a terminal, and refuses to write over what somebody has changed meanwhile', async () => {
    await apply(whole, '--yes')
    writeFileSync(
      join(work, 'dray.yaml'),
      whole.replace('eu-west-3', 'eu-west-1').replace('priority: high', 'priority: low'),
    )
    const asked = (answer: () => Promise<string>) => drayHere(['apply', 'dray.yaml'], { ...here(), answer })
    const no = await asked(async () => 'no')
    expect([no.status, no.stdout]).toEqual([1, expect.stringMatching(/2 to change, 6 unchanged.\n$/)])
    const late = await asked(async () => {
      await plane.api('PATCH', api('migrations/photos'), { priority: 'normal' })
      return 'y'
    })
    expect(late.status).toBe(1)
    expect(late.stdout).toMatch(/changed site paris\n$/)
    expect(late.stderr).toMatch(
      /dray.yaml:12: migration photos: the migration photos was changed by somebody else\n {2}.*run the same command again.*\n {2}not done: change migration photos\n$/,
    )
    const again = await asked(async () => 'yes')
    expect(again.status).toBe(0)
    expect(again.stdout).toContain('    priority: normal → low\n')
  })

  it('does not overwrite what somebody else has done since it was read', async () => {
    await apply(whole, '--yes')
    const client = planeClient(plane)
    for (const section of [
      'sites',
      'connections',
      'limits',
      'migrations',
      'schedules',
      'webhooks',
    ] as const) {
      const noun = nouns[section]
      const [[id, known]] = [...(await noun.read(client))] as [[string, { item: never; revision: number }]]
      await expect(
        noun.edit(client, id, known.item, known.revision + 1, new Set()),
        section,
      ).rejects.toMatchObject({
        code: 'changed',
        message: expect.stringContaining('was changed by somebody else'),
      })
      await expect(noun.remove(client, id, known.revision + 1), section).rejects.toMatchObject({
        code: 'changed',
      })
      if (section === 'migrations') continue
      const item =
        section === 'webhooks' ? { ...(known.item as object), url: 'https://example.com/' } : known.item
      await expect(noun.create(client, id, item as never), section).rejects.toMatchObject({
        code: expect.stringMatching(/^(busy|changed)$/),
      })
    }
  })
})

it('dray schedule sets, lists and deletes', async () => {
  await apply('migrations:\n  m: { source: { bucket: a }, destination: { bucket: b } }\n', '--yes')
  expect((await dray('schedule', 'list')).stdout).toContain('There are no schedules yet')
  const wrong = await dray('schedule', 'set', 'nightly', 'm', '0 25 * * *')
  expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('cron: ')])
  const set = await dray(
    'schedule',
    'set',
    'nightly',
    'm',
    '0 3 * * *',
    '--zone',
    'Europe/Berlin',
    '--delete',
    '--verify',
  )
  expect(set.status, set.stderr).toBe(0)
  expect(set.stdout).toMatch(/^nightly: a verification of m at 0 3 \* \* \* \(Europe\/Berlin\); next .*Z\n$/)
  const { json } = await plane.api('GET', api('schedules/nightly'))
  expect(json).toMatchObject({
    options: { kind: 'verify', delete: true },
    zone: 'Europe/Berlin',
    enabled: true,
  })
  const off = await dray('schedule', 'set', 'nightly', 'm', '0 3 * * *', '--disabled')
  expect(off.stdout).toContain('disabled')
  expect((await dray('schedule', 'list')).stdout).toMatch(
    /^NAME +MIGRATION +WHEN +ZONE +NEXT +LAST\nnightly +m +0 3 \* \* \* +UTC +disabled/,
  )
  await dray('schedule', 'set', 'nightly', 'm', '0 3 * * *')
  const hours = [
    '--window',
    'Mon-Fri 22:00-06:00',
    '--blackout',
    '2099-12-24..2099-12-26',
    '--blackout',
    '2099-12-31',
  ]
  const nights = await dray('schedule', 'set', 'nights', 'm', '0 3 * * *', ...hours)
  expect(nights.stderr).toMatch(
    /^warning: nightly is due at the same time, .*: whichever comes second is skipped\.\n$/,
  )
  expect((await plane.api('GET', api('schedules/nights'))).json).toMatchObject({
    window: { from: '22:00', to: '06:00', days: ['mon', 'tue', 'wed', 'thu', 'fri'] },
    blackouts: ['2099-12-24..2099-12-26', '2099-12-31'],
  })
  const once = await dray('schedule', 'set', 'once', 'm', '--at', '2099-01-01T00:00:00+01:00', '--life')
  expect(once.stdout).toBe('once: the life of m at 2099-01-01T00:00:00+01:00 (UTC); next 2098-12-31T23:00Z\n')
  const both = await dray('schedule', 'set', 'once', 'm', '0 3 * * *', '--at', '2099-01-01T00:00:00Z')
  expect([both.status, both.stderr]).toEqual([2, expect.stringContaining('Give CRON, or --at')])
  await Promise.all(['nights', 'once'].map((name) => dray('schedule', 'delete', name)))
  expect((await dray('schedule', 'delete', 'nightly')).status).toBe(0)
  expect((await dray('schedule', 'delete', 'nightly')).status).toBe(2)
})

it('what is more than a pipe holds is printed whole', async () => {
  const long = 'p'.repeat(900)
  const entries = Array.from({ length: 500 }, (_, n) => [
    `  m-${n}:`,
    `    source: { path: /srv/${n}, site: local }`,
    `    destination: { bucket: b, prefix: ${long}/${n}/ }`,
  ])
  writeFileSync(join(work, 'many.yaml'), `migrations:\n${entries.flat().join('\n')}\n`)
  const plan = await run(['apply', join(work, 'many.yaml'), '--plan', '--json'], environment())
  expect(plan.stdout.length).toBeGreaterThan(450_000)
  expect(JSON.parse(plan.stdout).changes).toHaveLength(500)
})
