/** A certificate from end to end: issued by `dray verify`, checked by itself, held to what is there, and found wrong where anything was changed. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import type { Counts } from '../../shared/counts.ts'
import type { Ended } from '../support/dray.ts'
import { drayHere } from '../support/dray-here.ts'
import { contents, stage, upStage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 60_000 })

const pictures = (n: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`${i % 7}/é ${i}.jpg`, `picture ${i}`]))

interface Found {
  holds: boolean
  problems: string[]
  leaves: number
  counts: Counts
  against: { side: string; objects: number; differing: number; differences: { listed: number }[] } | null
}

describe.concurrent('a certificate', () => {
  it('holds by itself and beside both sides, until one object is another', async (test) => {
    const { at, run, server, tree } = await stage(test)
    const source = tree('old', pictures(300))
    const file = at('proof')
    server.createBucket('new')
    await run('copy', source, 's3://new/in')
    const made = await run('verify', source, 's3://new/in', '--sample', '20%', '--certificate', file)
    expect([made.status, made.stderr]).toEqual([0, expect.stringContaining(`The certificate is in ${file}`)])
    expect(made.stdout).toMatch(
      /sample +\d+ of 300 read in full, chosen at random, none differs: with 95 % confidence/,
    )
    const told = ({ status, stdout }: Pick<Ended, 'status' | 'stdout'>) => ({
      status,
      found: JSON.parse(stdout) as Found,
    })
    // Of the bucket in a process of its own, which has the keys.
    const check = async (...args: string[]) => told(await run('verify-certificate', file, '--json', ...args))
    const checkHere = async (...args: string[]) =>
      told(
        await drayHere(['verify-certificate', file, '--json', ...args], {
          cwd: at('.'),
          stateDir: at('state'),
        }),
      )

    const alone = await checkHere()
    expect(alone.found).toMatchObject({ holds: true, problems: [], against: null })
    expect(alone.found.counts.objects).toMatchObject({ listed: 300, same: 300 })
    expect(alone.status).toBe(0)

    const there = await check('--against', 's3://new/in')
    expect(there.found.against).toMatchObject({ side: 'destination', objects: 300, differing: 0 })
    const here = await checkHere('--against', source)
    expect(here.found.against).toMatchObject({ side: 'source', objects: 300, differing: 0 })
    const wrongSide = await checkHere('--against', source, '--side', 'destination')
    expect([wrongSide.status, wrongSide.found.holds]).toEqual([1, false])

    // One byte of one object.
    await server.put('new', 'in/0/é 0.jpg', 'pictura 0')
    const changed = await run('verify-certificate', file, '--against', 's3://new/in')
    expect(changed.status).toBe(1)
    expect(changed.stdout).toMatch(/^Does not hold any more/)
    expect(changed.stdout).toMatch(
      /is not what was certified, in 1 range of \d+:\n.*: 300 objects, other ones/,
    )
  })

  it('is issued once, for whoever asks the control plane, and signed by the key that it tells', async (test) => {
    const { at, tree, here } = await upStage(test)
    const source = tree('old', pictures(5))
    tree('new', pictures(5))
    await here('migration', 'create', 'pictures', source, at('new'))
    const none = await here('migration', 'certificate', 'pictures')
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('has no certificate yet')])
    await here('migration', 'start', 'pictures', '--verify', '--depth', 'full', '--watch')
    const issued = await here('migration', 'certificate', 'pictures', '--issue')
    expect([issued.status, issued.stderr]).toEqual([0, ''])
    expect((await here('migration', 'certificate', 'pictures', '--output', 'proof')).status).toBe(0)
    expect(readFileSync(at('proof'), 'utf8')).toBe(issued.stdout)
    const { url } = JSON.parse(readFileSync(at('state', 'holder.json'), 'utf8'))
    const checked = await here('verify-certificate', 'proof', '--control-plane', url)
    expect([checked.status, checked.stdout]).toEqual([0, expect.stringContaining('as it was given')])
  })

  it('is no certificate where it does not begin as one', async (test) => {
    const { at, tree } = await stage(test)
    const file = `${tree('some', { proof: 'no certificate\n' })}/proof`
    const { status, stderr } = await drayHere(['verify-certificate', file], {
      cwd: at('.'),
      stateDir: at('state'),
    })
    expect([status, stderr]).toEqual([2, expect.stringContaining('does not begin with a certificate')])
  })

  it('with keys that were mapped is held to both sides', async (test) => {
    const here = await stage(test)
    const source = here.tree('old', pictures(50))
    const map = ['--map-pattern', '(?<n>\\d)/(?<name>.+)', '--map-to', '{name}/{n}']
    await here.run('copy', source, here.at('new'), ...map)
    const file = here.at('proof')
    await here.run('verify', source, here.at('new'), ...map, '--certificate', file)
    for (const side of [source, here.at('new')]) {
      const ended = await drayHere(['verify-certificate', file, '--against', side], {
        ...{ cwd: here.at('.'), stateDir: here.at('state') },
      })
      expect([ended.status, ended.stdout]).toEqual([
        0,
        expect.stringContaining('is what was certified: 50 objects'),
      ])
    }
    expect(Object.keys(contents(here.at('new')))).toHaveLength(50)
  })
})
