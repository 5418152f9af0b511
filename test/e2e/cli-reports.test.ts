/** What became of the passes of a migration, by the real command line and with a real agent; files are read by programs that are not ours. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, it, vi } from 'vitest'
import { stage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 60_000 })

it('passes are listed and compared, and their reports read as files of each kind', async (context) => {
  const { server, at, json, run } = await stage(context)
  // More than one packet, and something in it that a spreadsheet would run.
  const keys = ['=1+1', ...Array.from({ length: 1_200 }, (_, i) => `a/${String(i).padStart(4, '0')}`)]
  for (const key of keys) await server.put('from', key, key)
  server.createBucket('to')
  const broken = new Set(['=1+1', 'a/0700'])
  server.hooks = {
    beforeRequest: async ({ operation, key }) =>
      /^(Put|Copy)Object$/.test(operation) && broken.has(String(key))
        ? { code: 'AccessDenied', status: 403 }
        : null,
  }
  const first = await json('copy', 's3://from', 's3://to')
  expect(first.result.objects).toMatchObject({ copied: 1_199, failed: 2 })
  broken.delete('a/0700')
  const id = first.result.migration
  expect((await json('copy', 's3://from', 's3://to')).result.objects).toMatchObject({ copied: 1, failed: 1 })

  const migration = (...args: string[]) => run('migration', ...args)
  const passes = await migration('passes', id, '--json')
  expect(JSON.parse(passes.stdout)).toMatchObject({ passes: [{ number: 2 }, { number: 1 }], older: false })
  expect((await migration('passes', id, '--last', '1')).stdout).toMatch(
    /^PASS .*\n2 .* 1\nThere are older ones/,
  )
  const compared = await migration('compare', id)
  expect(compared.stdout).toContain('1 object failed in pass 1, and not in pass 2:\n  a/0700\n')
  expect(compared.stdout).toContain('1 object failed in both:\n  =1+1\n')

  const save = async (name: string) => {
    const saved = await migration('report', id, '--pass', '1', '--output', at(name))
    expect([saved.status, saved.stderr]).toEqual([0, expect.stringContaining(name)])
    return at(name)
  }
  const lines = readFileSync(await save('r.ndjson'), 'utf8')
  expect(lines.split('\n')).toHaveLength(1_202)
  const packed = await save('r.ndjson.gz')
  execFileSync('gzip', ['-t', packed])
  expect(execFileSync('gzip', ['-dc', packed], { maxBuffer: 2 ** 24 }).toString()).toBe(lines)
  expect(gunzipSync(readFileSync(packed)).toString()).toBe(lines)
  const table = readFileSync(await save('r.csv'), 'utf8')
  expect(table.split('\r\n')).toHaveLength(1_203)
  expect(table).toContain("\r\nfailed,'=1+1,")
  const packedTable = await save('r.csv.gz')
  execFileSync('gzip', ['-t', packedTable])
  expect(gunzipSync(readFileSync(packedTable)).toString()).toBe(table)

  const refused = await migration('report', id, '--pass', '9', '--output', at('none.csv'))
  expect([refused.status, existsSync(at('none.csv'))]).toEqual([2, false])
})
