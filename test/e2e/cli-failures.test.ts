/** What failed, by the real command line: looked at, its cause removed, tried again, waived; on a control plane and an agent that stay. */
import { readFileSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { upStage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 90_000 })

it('what failed is shown by cause, retried by cause, waived, and then the migration is complete', async (context) => {
  const { server, here, at, stored } = await upStage(context)
  const names = ['a', 'b', 'private/1', 'private/2', 'private/3', 'legal/1', 'legal/2']
  for (const name of names) await server.put('from', name, name)
  server.createBucket('to')
  let isPrivate = true
  server.hooks = {
    beforeRequest({ operation, bucket, key }) {
      if (bucket !== 'to' || !/^(Put|Copy)Object$/.test(operation) || key === null) return null
      if (isPrivate && key.startsWith('private/'))
        return { status: 403, code: 'AccessDenied', message: 'Access Denied' }
      if (key.startsWith('legal/'))
        return { status: 400, code: 'InvalidRequest', message: 'Under a legal hold' }
      return null
    },
  }
  await here('migration', 'create', 'm', 's3://from', 's3://to')
  const first = await here('migration', 'start', 'm', '--watch')
  expect(first.status, first.stderr).toBe(1)

  const causes = await here('migration', 'failures', 'm', '--causes')
  expect(causes.stdout).toMatch(/^\d {2}3 objects, 27 B: access-denied \(3 open\)\n/)
  for (const key of ['private/1', 'private/2', 'private/3']) expect(causes.stdout).toContain(`     ${key}\n`)
  expect(causes.stdout).toContain('   → Ask whoever owns the place')
  expect(causes.stdout).toMatch(/\d {2}2 objects, 14 B: invalid-request \(2 open\)/)
  const { causes: found } = JSON.parse(
    (await here('migration', 'failures', 'm', '--causes', '--json')).stdout,
  )
  const denied: string = found.find(({ code }: { code: string }) => code === 'access-denied').id

  const some = await here('migration', 'failures', 'm', '--text', 'HOLD', '--state', 'open')
  expect(some.stdout).toMatch(
    /^STATE +CAUSE +SIZE +KEY +MESSAGE\nopen +invalid-request +7 B +legal\/[12] +Bucket .*Under/,
  )
  const none = await here('migration', 'failures', 'm', '--prefix', 'zzz')
  expect(none.stdout).toBe('Nothing like that failed in pass 1 of m.\n')
  expect((await here('migration', 'failures', 'm', '--output', at('f.csv'))).status).toBe(0)
  expect(readFileSync(at('f.csv'), 'utf8').split('\r\n')).toHaveLength(7)
  const lines = await here('migration', 'failures', 'm', '--format', 'ndjson', '--cause', denied)
  expect(
    lines.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).key)
      .sort(),
  ).toEqual([...['private/1', 'private/2', 'private/3']])

  isPrivate = false
  const retried = await here('migration', 'retry', 'm', '--cause', denied, '--watch')
  expect(retried.status, retried.stderr).toBe(1)
  expect(retried.stdout).toContain('Incomplete: of what had failed, 2 objects are still open.')
  expect(retried.stdout).toContain('3 listed = 0 same + 3 copied + 0 failed')
  expect(Object.keys(await stored('to')).sort()).toEqual(['a', 'b', 'private/1', 'private/2', 'private/3'])

  const nothing = await here('migration', 'failures', 'm')
  expect(nothing.stdout).toBe('Nothing failed in pass 2 of m. 2 are open in the passes before it: --pass.\n')
  const why = await here('migration', 'waive', 'm', '--pass', '1', '--prefix', 'legal/')
  expect([why.status, why.stderr]).toEqual([2, expect.stringContaining('nothing says why')])
  const nothingBack = await here('migration', 'waive', 'm', '--take-back')
  expect(nothingBack.stdout).toContain('Another pass: --pass (dray migration passes m)')
  const one = await here('migration', 'waive', 'm', '--pass', '1', '--prefix', 'legal/1', '--reason', 'kept')
  expect(one.stdout).toBe('1 failure of pass 1 of m is waived: 1 open.\n')
  const oneBack = await here('migration', 'waive', 'm', '--pass', '1', '--take-back')
  expect(oneBack.stdout).toBe('1 failure of pass 1 of m is open again: 2 open.\n')
  const waived = await here('migration', 'waive', 'm', '--pass', '1', '--reason', 'kept where they are')
  expect(waived.stdout).toBe('2 failures of pass 1 of m are waived: 0 open.\n')
  const shown = JSON.parse((await here('migration', 'm', '--json')).stdout)
  expect(shown.pass).toMatchObject({ number: 2, retries: 1, state: 'complete', open: 0, waived: 2 })
  const again = await here('migration', 'retry', 'm')
  expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('nothing that is meant is open')])

  // The next pass finds them as they were waived.
  const next = await here('migration', 'start', 'm', '--watch')
  expect(next.status, next.stderr).toBe(0)
  expect(next.stdout).toContain('but for 2 waived')
  const list = await here('migration', 'failures', 'm')
  expect(list.stdout).toMatch(/waived +invalid-request .*\(waived: kept where they are\)/)
  const back = await here('migration', 'waive', 'm', '--take-back')
  expect(back.stdout).toBe('2 failures of pass 3 of m are open again: 2 open.\n')
})
