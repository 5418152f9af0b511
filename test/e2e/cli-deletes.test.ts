/** Deletes are counted before they are made: by the real command line, in the foreground and on a control plane that stays. */
import { readdirSync, rmSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { stage, upStage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 90_000 })

const names = (n: number) =>
  Object.fromEntries(
    Array.from({ length: n }, (_, i) => [`object-${String(i).padStart(2, '0')}`, `body ${i}`]),
  )

describe.concurrent('dray', () => {
  it('deletes nothing where a disk that is not mounted looks empty, and says how to go on', async (context) => {
    const { at, tree, json, run } = await stage(context)
    const from = tree('from', names(30))
    const args = ['copy', from, at('to'), '--delete'] as const
    expect((await run(...args)).status).toBe(0)
    for (const name of readdirSync(from)) rmSync(`${from}/${name}`)
    tree('from', { new: 'is copied' })

    const asked = await json(...args)
    expect(asked.status).toBe(1)
    expect(asked.result).toMatchObject({ state: 'incomplete', objects: { copied: 1, deleted: 0, left: 30 } })
    expect(asked.stderr).toContain('none of them was deleted')
    expect(asked.stderr).toContain('--max-delete 30')
    expect(readdirSync(at('to'))).toHaveLength(31)
    expect((await json(...args, '--dry-run')).result.objects).toMatchObject({ deleted: 30 })
    const meant = await json(...args, '--max-delete', '30')
    expect([meant.status, meant.result.objects.deleted]).toEqual([0, 30])
    expect(readdirSync(at('to'))).toEqual(['new'])
  })

  it('keeps what is missing for as long as it is told', async (context) => {
    const { at, tree, json, run } = await stage(context)
    const from = tree('from', names(3))
    const args = ['copy', from, at('to'), '--delete', '--delete-after'] as const
    expect((await json(...args, '1h')).status).toBe(0)
    rmSync(`${from}/object-01`)
    expect((await json(...args, '1h')).result).toMatchObject({ state: 'complete', objects: { deleted: 0 } })
    expect(readdirSync(at('to'))).toHaveLength(3)
    expect((await json(...args, '0')).result.objects).toMatchObject({ same: 2, deleted: 1 })
    const wrong = await run('copy', from, at('to'), '--delete-after', '1h')
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('without --delete')])
  })

  it('makes a directory where a file was, which goes first', async (context) => {
    const { at, tree, json } = await stage(context)
    const from = tree('from', { 'other/deep': 'a directory now' })
    const to = tree('to', { other: 'old' })
    const moved = await json('copy', from, to, '--delete')
    expect([moved.status, moved.result.objects.deleted], moved.stderr).toEqual([0, 1])
    expect(readdirSync(at('to'), { recursive: true }).sort()).toEqual(['other', 'other/deep'])
  })
})

describe('dray migration deletes', () => {
  it('says what a pass asks, and answers it', async (context) => {
    const { server, run, here, stored } = await upStage(context)
    await server.put('from', 'a', 'a')
    for (const [name, body] of Object.entries(names(12))) await server.put('to', name, body)
    await here('migration', 'create', 'photos', 's3://from', 's3://to', '--delete')
    // Ten are always allowed by a share.
    await here('migration', 'start', 'photos')
    const few = () => here('migration', 'deletes', 'photos', '--allow', '11')
    await vi.waitFor(async () => expect((await few()).stderr).toContain('would delete 12 objects'), {
      timeout: 30_000,
    })
    expect((await few()).status).toBe(2)
    expect((await here('migration', 'deletes', 'photos', '--allow', '12')).status).toBe(0)
    expect((await run('migration', 'watch', 'photos')).status).toBe(0)
    expect(await stored('to')).toEqual({ a: 'a' })
    expect((await here('migration', 'deletes', 'photos', '--leave')).stderr).toContain('is over')
  })
})
