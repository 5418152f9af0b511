/** `dray migration pause` and `resume`, by the real command line, in the middle of a large object. */
import { setTimeout } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { upStage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 90_000 })

const partSize = 8 * 1024 * 1024
const parts = 40

it('stops what is at work, keeps the parts that are uploaded, and goes on from there', async (context) => {
  const { server, here } = await upStage(context)
  server.fill('from', { count: 1, key: () => 'film', size: parts * partSize, partSize })
  server.createBucket('to')
  server.hooks = {
    beforeRequest: ({ operation }) => (operation === 'UploadPart' ? { delayMs: 300 } : null),
  }
  const there = () => server.uploads('to').reduce((sum, upload) => sum + upload.parts, 0)
  await here('migration', 'create', 'film', 's3://from', 's3://to', '--server-side-copy', 'never')
  await here('migration', 'start', 'film')
  await vi.waitFor(() => expect(there()).toBeGreaterThan(3), { timeout: 60_000 })
  const paused = await here('migration', 'pause', 'film', '--stop')
  expect([paused.status, paused.stderr]).toEqual([0, ''])
  expect(paused.stdout).toContain('Let it go on: dray migration resume film')
  // What had been sent by then is answered.
  for (let last = -1; last !== there(); await setTimeout(500)) last = there()
  const kept = there()
  server.requests.reset()
  await setTimeout(1_000)
  expect([there(), server.requests.count('UploadPart'), server.requests.count('GetObject')]).toEqual([
    kept,
    0,
    0,
  ])
  expect(kept).toBeLessThan(parts)
  const shown = await here('migration', 'film')
  expect(shown.stdout).toMatch(/paused/)

  server.hooks = {}
  await here('migration', 'resume', 'film')
  const ended = await here('migration', 'watch', 'film')
  expect(ended.status, ended.stderr).toBe(0)
  expect(server.requests.count('UploadPart')).toBe(parts - kept)
  const [from] = [...server.objects('from')]
  const [to] = [...server.objects('to')]
  expect(to).toMatchObject({ key: 'film', etag: from!.etag, size: from!.size })
  const late = await here('migration', 'pause', 'film')
  expect([late.status, late.stderr]).toEqual([
    2,
    'dray: pass 1 of film is over: complete\n  Start the next one: dray migration start film\n',
  ])
})
