/** Mappings and manifests where something goes wrong, or was interrupted. */
import { writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { contents, report, stage } from '../e2e/cli-stage.ts'

vi.setConfig({ testTimeout: 60_000 })

const attachments = (n: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`attachments/${i}/File ${i}.PDF`, `body ${i}`]))
const toNew = [
  '--map-pattern',
  'attachments/(?<id>\\d+)/(?<name>.+)',
  '--map-to',
  'att/{id:04[-2:]}/{id}/{name:lower}',
]
const newName = (i: number) => `att/${String(i).padStart(4, '0').slice(-2)}/${i}/file ${i}.pdf`
const renamed = (n: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [newName(i), `body ${i}`]))

describe.concurrent('a mapping', () => {
  it('goes from a bucket to a directory, and deletes nothing while some objects have no place', async (test) => {
    const { at, tree, server, json } = await stage(test)
    server.createBucket('old')
    for (const [key, body] of Object.entries({ ...attachments(20), stray: 'x' }))
      await server.put('old', key, body)
    tree('new', { superfluous: '' })
    const { status, result, stderr } = await json('copy', 's3://old', at('new'), ...toNew, '--delete')
    expect(status).toBe(1)
    expect(result.objects).toMatchObject({ copied: 20, deleted: 0, failed: 2 })
    expect(stderr).toContain('The mapping does not match it')
    expect(contents(at('new'))).toEqual({ ...renamed(20), superfluous: '' })
    const skipping = await json(
      'copy',
      's3://old',
      at('new'),
      ...toNew,
      '--delete',
      '--map-unmatched',
      'skip',
    )
    expect(skipping.result.objects).toMatchObject({ listed: 20, same: 20, deleted: 1, failed: 0 })
  })

  it('of prefixes needs no sort, and is verified as one', async (test) => {
    const { at, tree, json } = await stage(test)
    const source = tree('old', { 'in/a': '1', 'in/b/c': '2', out: '3' })
    const options = ['--map-prefix', 'in/=to/', '--map-unmatched', 'skip']
    const { result } = await json('copy', source, at('new'), ...options)
    expect(result.objects).toMatchObject({ listed: 2, copied: 2 })
    expect(contents(at('new'))).toEqual({ 'to/a': '1', 'to/b/c': '2' })
    expect((await json('verify', source, at('new'), ...options)).status).toBe(0)
  })

  it('shows what it would do', async (test) => {
    const { at, tree, run } = await stage(test)
    const source = tree('old', attachments(12))
    const dry = await run('copy', source, at('new'), ...toNew, '--dry-run')
    expect(dry.stderr.match(/ → att/g)).toHaveLength(10)
    expect(dry.stderr).toContain('attachments/0/File 0.PDF   → att/00/0/file 0.pdf')
    const wrong = await run('copy', source, at('new'), '--map-pattern', 'x', '--map-to', 'y', '--dry-run')
    expect(wrong.stderr).toContain('The mapping matches none of the first 12 keys.')
  })

  it('goes on where it was killed', async (test) => {
    const { tree, server, json, start, holdAfter, stored } = await stage(test)
    const source = tree('old', attachments(60))
    server.createBucket('new')
    const held = holdAfter(25)
    const running = start('copy', source, 's3://new', ...toNew)
    await held.reached
    running.child.kill('SIGKILL')
    await running.ended
    held.release()
    const { status, result } = await json('copy', source, 's3://new', ...toNew)
    expect(status).toBe(0)
    expect(result.objects.same + result.objects.copied).toBe(60)
    expect(await stored('new')).toEqual(renamed(60))
  })
})

describe.concurrent('a manifest', () => {
  it('that is not there, or not understood, stops everything before it starts', async (test) => {
    const { at, tree, run } = await stage(test)
    const source = tree('old', { a: '' })
    const missing = await run('copy', source, at('new'), '--manifest', at('nowhere.csv'))
    expect(missing).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('There is no manifest nowhere.csv'),
    })
    writeFileSync(at('odd.csv'), 'a,b,c\n')
    const odd = await run('copy', source, at('new'), '--manifest', at('odd.csv'))
    expect(odd).toMatchObject({ status: 2, stderr: expect.stringContaining('what its 3 columns are') })
  })

  it('can be the report of what failed', async (test) => {
    const { at, tree, json } = await stage(test)
    const source = tree('old', { 'a/x': '1', 'b/x': '2', 'c/y': '3' })
    const { result } = await json('copy', source, at('new'), '--map-to', '{base}')
    const failed = report(result.report).filter(({ outcome }) => outcome === 'failed')
    writeFileSync(at('failed'), failed.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const rest = await json('copy', source, at('rest'), '--manifest', at('failed'))
    expect(rest.result.objects).toMatchObject({ listed: 2, copied: 2 })
    expect(contents(at('rest'))).toEqual({ 'a/x': '1', 'b/x': '2' })
  })
})
