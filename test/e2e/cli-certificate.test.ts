/** A certificate from end to end: issued by `dray verify`, checked by itself, held to what is there, and found wrong where anything was changed. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { checkCertificate } from '../../agent/certificate/check.ts'
import type { Counts } from '../../shared/counts.ts'
import { contents, stage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 60_000 })

const pictures = (n: number) =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`${i % 7}/é ${i}.jpg`, `picture ${i}`]))

interface Found {
  holds: boolean
  problems: string[]
  leaves: number
  counts: Counts
  sample: { read: number; of: number; below: number } | null
  against: { side: string; objects: number; differing: number; differences: { listed: number }[] } | null
}

async function certified(test: Parameters<typeof stage>[0], ...more: string[]) {
  const here = await stage(test)
  const source = here.tree('old', pictures(300))
  here.server.createBucket('new')
  expect((await here.run('copy', source, 's3://new/in')).status).toBe(0)
  const file = here.at('proof')
  const { status, stderr } = await here.run('verify', source, 's3://new/in', '--certificate', file, ...more)
  expect(stderr).toContain(`The certificate is in ${file}`)
  expect(status).toBe(0)
  const check = async (...args: string[]) => {
    const ended = await here.run('verify-certificate', file, '--json', ...args)
    return { ...ended, found: JSON.parse(ended.stdout || 'null') as Found }
  }
  return { ...here, source, file, check }
}

describe.concurrent('a certificate', () => {
  it('holds by itself and beside both sides, until one object is another', async (test) => {
    const { source, file, check, run, server, tree } = await certified(test)
    const alone = await check()
    expect(alone.found).toMatchObject({ holds: true, problems: [], against: null, sample: null })
    expect(alone.found.counts.objects).toMatchObject({ listed: 300, same: 300 })
    expect(alone.status).toBe(0)

    const there = await check('--against', 's3://new/in')
    expect(there.found.against).toMatchObject({ side: 'destination', objects: 300, differing: 0 })
    const here = await check('--against', source)
    expect(here.found.against).toMatchObject({ side: 'source', objects: 300, differing: 0 })
    const wrongSide = await check('--against', source, '--side', 'destination')
    expect([wrongSide.status, wrongSide.found.holds]).toEqual([1, false])

    // One byte of one object, at a time that tells nothing.
    const [object] = server.objects('new')
    await run('copy', tree('one', { 'x.jpg': 'pictura 0' }), 's3://new/in/0')
    expect(object).toBeDefined()
    const changed = await check('--against', 's3://new/in')
    expect(changed.status).toBe(1)
    expect(changed.found).toMatchObject({
      holds: false,
      problems: [],
      against: { objects: 301, differing: 1 },
    })
    const words = await run('verify-certificate', file, '--against', 's3://new/in')
    expect(words.stdout).toMatch(/^Does not hold\./)
    expect(words.stdout).toContain('is not what was certified, in 1 range of')

    rmSync(`${source}/3`, { recursive: true })
    expect((await check('--against', source)).status).toBe(1)
  })

  it('of a sample says what was read, and what that says of the rest', async (test) => {
    const { check, run, file } = await certified(test, '--sample', '20%', '--depth', 'listing')
    const { found } = await check()
    expect(found.holds).toBe(true)
    const { read, of, below } = found.sample!
    expect(of).toBe(300)
    // Chosen by a hash of the pass: never none, never all.
    expect(read).toBeGreaterThan(5)
    expect(read).toBeLessThan(200)
    expect(below).toBeCloseTo(1 - 0.05 ** (1 / read), 10)
    expect((await run('verify-certificate', file)).stdout).toContain('with 95 % confidence')
  })

  it('is of another control plane than the one that is asked for: that is found', async (test) => {
    const { check, file } = await certified(test)
    const { key } = JSON.parse(readFileSync(file, 'utf8').split('\n')[0]!)
    expect((await check('--key', key)).status).toBe(0)
    expect((await check('--key', 'A'.repeat(43))).found.problems).toEqual([
      'It is signed by another control plane than the one that was asked for.',
    ])
  })

  it('is found wrong where anything in it was changed, and where a leaf is gone, doubled or in another place', async (test) => {
    const { file, check } = await certified(test)
    const text = readFileSync(file, 'utf8').trim().split('\n')
    const problemsOf = async (lines: readonly string[]) => {
      const each = (async function* () {
        yield* lines
      })()
      return (await checkCertificate(each, { key: null, now: Date.now() })).problems
    }
    expect(await problemsOf(text)).toEqual([])
    let flipped = 0
    for (const [i, line] of text.entries()) {
      for (const other of flips(JSON.parse(line))) {
        const lines = text.with(i, JSON.stringify(other))
        const found = await problemsOf(lines).catch((error) => [String(error)])
        expect(found, JSON.stringify(other)).not.toEqual([])
        flipped++
      }
    }
    expect(flipped).toBeGreaterThan(60)
    expect(await problemsOf(text.slice(0, -1))).not.toEqual([])
    expect(await problemsOf([...text, text.at(-1)!])).not.toEqual([])
    writeFileSync(file, 'no certificate\n')
    expect((await check()).status).toBe(2)
  })

  it('with keys that were mapped is held to both sides', async (test) => {
    const here = await stage(test)
    const source = here.tree('old', pictures(50))
    const map = ['--map-pattern', '(?<n>\\d)/(?<name>.+)', '--map-to', '{name}/{n}']
    await here.run('copy', source, here.at('new'), ...map)
    const file = here.at('proof')
    await here.run('verify', source, here.at('new'), ...map, '--certificate', file)
    for (const side of [source, here.at('new')]) {
      const ended = await here.run('verify-certificate', file, '--against', side)
      expect([ended.status, ended.stdout]).toEqual([
        0,
        expect.stringContaining('is what was certified: 50 objects'),
      ])
    }
    expect(Object.keys(contents(here.at('new')))).toHaveLength(50)
  })
})

/** The value with each of its parts changed, one at a time. */
function* flips(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) for (const other of flips(each)) yield value.with(i, other)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      for (const other of flips(each)) yield { ...value, [name]: other }
    }
  } else if (typeof value === 'string') yield flipped(value)
  else if (typeof value === 'number') yield value + 1
  else if (typeof value === 'boolean') yield !value
  else yield 'x'
}

/** Another text of the same form. */
function flipped(text: string): string {
  const last = text.at(-2) ?? ''
  const other = last === '0' ? '1' : /[0-9a-f]/.test(last) ? '0' : 'A'
  return text.length < 2 ? `${text}x` : `${text.slice(0, -2)}${other === last ? 'B' : other}${text.at(-1)}`
}
