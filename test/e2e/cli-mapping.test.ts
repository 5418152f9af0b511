/** `dray copy` and `dray verify` with other keys at the destination, and with a manifest. */
import { rmSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { contents, report, stage } from './cli-stage.ts'

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
  it('gives a tree of attachments other names in a bucket, once, and verifies them', async (test) => {
    const { tree, server, json, stored } = await stage(test)
    const source = tree('old', attachments(150))
    server.createBucket('new')
    const first = await json('copy', source, 's3://new/in', ...toNew)
    expect(first.status).toBe(0)
    expect(first.result.objects).toMatchObject({ listed: 150, copied: 150 })
    const [line] = report(first.result.report)
    expect(line!.from).toMatch(/^attachments\/\d+\/File \d+\.PDF$/)
    const there = Object.entries(renamed(150)).map(([key, body]) => [`in/${key}`, body])
    expect(await stored('new')).toEqual(Object.fromEntries(there))

    const again = await json('copy', source, 's3://new/in', ...toNew)
    expect(again.result.objects).toMatchObject({ listed: 150, same: 150, copied: 0 })
    const verified = await json('verify', source, 's3://new/in', ...toNew)
    expect(verified.status).toBe(0)

    tree('old', { 'attachments/7/File 7.PDF': 'other' })
    rmSync(`${source}/attachments/9`, { recursive: true })
    const synced = await json('copy', source, 's3://new/in', ...toNew, '--delete')
    expect(synced.result.objects).toMatchObject({ listed: 149, copied: 1, deleted: 1, failed: 0 })
    expect(await stored('new')).toMatchObject({ [`in/${newName(7)}`]: 'other' })
  })

  it('copies nothing of what would get one name, and names all of it', async (test) => {
    const { at, tree, json } = await stage(test)
    const source = tree('old', { 'a/x': '1', 'b/x': '2', 'c/y': '3' })
    const { status, result } = await json('copy', source, at('new'), '--map-to', '{base}')
    expect(status).toBe(1)
    expect(result.objects).toMatchObject({ listed: 3, copied: 1, failed: 2 })
    expect(contents(at('new'))).toEqual({ y: '3' })
    const failed = report(result.report).filter(({ outcome }) => outcome === 'failed')
    expect(failed.map(({ key, code, message }) => `${key} ${code} ${message}`).sort()).toEqual([
      'a/x key-clash It would become x, and so would b/x.',
      'b/x key-clash It would become x, and so would a/x.',
    ])
  })
})

describe.concurrent('a manifest', () => {
  it('in a bucket says what is copied, and under which names', async (test) => {
    const { server, json, stored } = await stage(test)
    server.createBucket('old', { versioned: true })
    for (const name of ['new', 'lists']) server.createBucket(name)
    await server.put('old', 'in/c', 'an earlier c')
    for (const key of ['in/a b', 'in/b', 'in/c', 'out']) await server.put('old', key, key)
    await server.put('new', 'superfluous', '')
    const chains = new Map<string, { versionId: string }[]>(server.chains('old'))
    const { versionId } = chains.get('in/c')![0]!
    const list = `old,in%2Fa+b,\nold,in/c,${versionId}\nold,out,\nold,in/gone,\n`
    await server.put('lists', 'of/today.csv.gz', gzipSync(list))
    const options = ['--manifest', 's3://lists/of/today.csv.gz']
    const { status, result } = await json('copy', 's3://old/in', 's3://new', ...options)
    expect(status).toBe(1)
    expect(result.objects).toMatchObject({ listed: 3, copied: 2, failed: 1, deleted: 0 })
    expect(report(result.report).find(({ outcome }) => outcome === 'failed')).toMatchObject({
      key: 'gone',
      code: 'not-found',
    })
    expect(await stored('new')).toEqual({ 'a b': 'in/a b', c: 'an earlier c', superfluous: '' })
    const again = await json('copy', 's3://old/in', 's3://new', ...options)
    expect(again.result.objects).toMatchObject({ listed: 3, same: 2, copied: 0, failed: 1 })
    const verified = await json('verify', 's3://old/in', 's3://new', ...options)
    expect(verified.result.objects).toMatchObject({ same: 2, failed: 1, extra: 0 })
  })
})
