/** What changes between two runs is found, whatever its size and times say; what does not is not copied again. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { openPlace, type Place, toB, told } from '../support/place.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const MiB = 1024 * 1024
let place: Place
beforeAll(async () => {
  place = await openPlace()
  place.b.createBucket('to')
  mkdirSync(place.at('from'))
  const names = ['still', 'touched', 'sneaky', 'replaced', 'over', 'mode']
  for (const name of names) writeFileSync(place.at('from', name), `first ${name}`)
  writeFileSync(place.at('from', 'large-sneaky'), Buffer.alloc(65 * MiB, 'first'))
  for (const name of readdirSync(place.at('from')))
    utimesSync(place.at('from', name), 1_700_000_000, 1_700_000_000.5)
})

/** Other content of the same size, and the times of before (`touch -r`). */
function sneak(path: string, content: string | Buffer): void {
  const { atime, mtime } = statSync(path)
  writeFileSync(path, content)
  utimesSync(path, atime, mtime)
}

async function expectEqual(): Promise<void> {
  const { at, b } = place
  for (const name of readdirSync(at('from')))
    expect((await b.object('to', name)!.body()).equals(readFileSync(at('from', name))), name).toBe(true)
}

describe('a directory and a bucket', () => {
  const run = (state: string) => place.dray(state, 'copy', place.at('from'), 's3://to', ...toB)

  it('are made equal again, and cost no copy that is not needed', async () => {
    const { at, b } = place
    expect((await run('state')).result.objects).toMatchObject({ listed: 7, copied: 7 })
    for (const name of readdirSync(at('from'))) chmodSync(at('from', name), 0o640)
    utimesSync(at('from/touched'), 1_750_000_000, 1_750_000_000)
    sneak(at('from/sneaky'), 'later sneaky')
    sneak(at('from/large-sneaky'), Buffer.alloc(65 * MiB, 'later'))
    cpSync(at('from/replaced'), at('other'), { preserveTimestamps: true })
    sneak(at('other'), 'later replaced')
    renameSync(at('other'), at('from/replaced'))
    await b.put('to', 'over', 'later over'.slice(0, 'first over'.length))
    const changed = await run('state')
    expect(changed.status, changed.stderr).toBe(0)
    expect(told(changed, 'copied')).toEqual(['large-sneaky', 'over', 'replaced', 'sneaky'])
    await expectEqual()
    expect((await run('state')).result.objects).toMatchObject({ same: 7, copied: 0 })
  })

  it('need no baseline to be known as equal, nor as different', async () => {
    const { at, b } = place
    const baseline = at('state/agent/baseline')
    rmSync(baseline, { recursive: true })
    b.requests.reset()
    expect((await run('state')).result.objects).toMatchObject({ listed: 7, same: 7, copied: 0 })

    const damaged = readdirSync(baseline, { recursive: true, encoding: 'utf8' })
      .map((name) => join(baseline, name))
      .filter((path) => statSync(path).isFile())
    expect(damaged.length).toBeGreaterThan(1)
    for (const path of damaged) writeFileSync(path, Buffer.alloc(statSync(path).size, 'damaged'))
    expect((await run('state')).result.objects).toMatchObject({ listed: 7, same: 7, copied: 0 })
    expect(b.requests.count('PutObject') + b.requests.count('CreateMultipartUpload')).toBe(0)

    sneak(at('from/sneaky'), 'third sneaky')
    sneak(at('from/large-sneaky'), Buffer.alloc(65 * MiB, 'third'))
    const other = await run('another')
    expect(told(other, 'copied')).toEqual(['large-sneaky', 'sneaky'])
    expect(other.result.objects).toMatchObject({ listed: 7, same: 5 })
    await expectEqual()
  })
})

describe('two directories', () => {
  it('are made equal again where either side was changed behind the times', async () => {
    const { at, dray } = place
    const run = () => dray('files', 'copy', at('from'), at('copy'), '--exclude', 'large*')
    expect((await run()).result.objects).toMatchObject({ listed: 6, copied: 6 })
    sneak(at('from/sneaky'), 'fourth sneak')
    sneak(at('copy/over'), 'by another')
    chmodSync(at('from/mode'), 0o600)
    chmodSync(at('copy/still'), 0o600)
    const changed = await run()
    expect(told(changed, 'copied')).toEqual(['over', 'sneaky'])
    execFileSync('diff', ['-r', '-x', 'large*', at('from'), at('copy')])
    expect((await run()).result.objects).toMatchObject({ same: 6, copied: 0 })
  })
})
