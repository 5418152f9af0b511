/** A migration led through its life by the real command line, on a control plane and an agent that stay (`dray up`). */
import { expect, it, vi } from 'vitest'
import { type LifeView, lifeSchema } from '../../shared/life.ts'
import { upStage } from './cli-stage.ts'

vi.setConfig({ testTimeout: 90_000 })

const quick = ['--pause-at-least', '1s', '--pause-at-most', '1s', '--quiet', '0s', '--events', 'webhook']

it('is followed, cut over, rolled back and closed, each step by a command', async (context) => {
  const { server, here, at, stored } = await upStage(context)
  await server.put('from', 'a', 'a')
  await server.put('from', 'b', 'b')
  server.createBucket('to')
  const good = async (...args: string[]) => {
    const said = await here('migration', ...args)
    expect({ args, ...said }).toMatchObject({ status: 0 })
    return said.stdout
  }
  const life = async (): Promise<LifeView> => {
    const { migration, ...view } = JSON.parse(await good('life', 'photos', '--json'))
    expect(migration).toBe('photos')
    return lifeSchema.parse(view)
  }
  const until = async (holds: (view: LifeView) => boolean) => {
    for (let view = await life(); ; view = await life()) if (holds(view)) return view
  }

  await good(
    'create',
    'photos',
    's3://from',
    's3://to',
    '--delete',
    ...quick,
    '--baseline',
    at('state-of-both'),
  )
  expect(await good('life', 'photos')).toMatch(/^state +draft: nothing has begun$/m)
  expect(await good('edit', 'photos', '--lag', '2m')).toMatch(
    /^photos follows: pause 1 s to 1 s, lag 2 min, quiet 0 s/,
  )
  expect((await here('migration', 'cut-over', 'photos')).status).toBe(2)
  expect(await good('follow', 'photos')).toMatch(/^migration +photos: s3:\/\/from\/ → s3:\/\/to\/$/m)
  await until(({ state }) => state === 'following')
  expect(await stored('to')).toEqual({ a: 'a', b: 'b' })

  expect(await good('pause', 'photos')).toContain('Paused photos.')
  expect(await good('pause', 'photos')).toContain('Paused photos.')
  expect((await life()).paused).not.toBeNull()
  expect(await good('resume', 'photos')).toContain('photos goes on.')
  await server.put('from', 'c', 'c')
  server.delete('from', 'b')
  expect(await good('changes', 'photos', 'c', 'b')).toBe('2 keys of photos will be looked at.\n')
  while ((await stored('to')).c !== 'c' || 'b' in (await stored('to')))
    await new Promise((resolve) => setTimeout(resolve, 20))

  // Nobody is there to say that it is frozen, so it says what is asked for.
  const waits = await here('migration', 'cut-over', 'photos', '--wait')
  expect([waits.status, waits.stderr]).toEqual([1, expect.stringMatching(/^\[\?\] freeze +Stop all writes/m)])
  expect(waits.stdout).toContain('dray migration step photos freeze --declare')
  expect((await here('migration', 'switch', 'photos')).stderr).toContain('the step freeze is not done')
  expect((await here('migration', 'step', 'photos', 'freeze')).stderr).toContain('Give one of --declare')
  const over = await here('migration', 'cut-over', 'photos', '--declare-freeze')
  expect(over).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Ready. Let the application use s3://to/ now'),
  })
  expect(over.stderr).toMatch(/^\[x\] certificate /m)
  expect(await good('switch', 'photos')).toMatch(
    /^state +cut-over: the application uses s3:\/\/to\/, and s3:\/\/from\/ follows it$/m,
  )

  await server.put('to', 'd', 'd')
  await good('roll-back', 'photos', '--declare-freeze')
  expect(await stored('from')).toEqual({ a: 'a', c: 'c', d: 'd' })
  expect(await good('abandon', 'photos')).toMatch(/^state +cut-over:/m)
  await good('roll-back', 'photos', '--declare-freeze')
  expect(await good('switch', 'photos')).toMatch(
    /^state +rolled-back: the application uses s3:\/\/from\/ again$/m,
  )
  expect((await here('migration', 'close', 'photos')).stderr).toContain('Give --yes.')
  expect(await good('close', 'photos', '--yes')).toMatch(/^state +closed:/m)
  expect((await here('migration', 'follow', 'photos')).status).toBe(2)
})
