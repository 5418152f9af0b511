/**
 * The life of a migration under an operator who errs, two operators at once, and a control plane that is killed, with its agent or alone, in the middle of
 * every step of the checklist: the machine holds, nothing is lost, and the same commands go on.
 */
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PlaneClient } from '../../agent/cli/plane-client.ts'
import { listAudit } from '../../shared/api/audit.ts'
import {
  abandonCutOver,
  closeLife,
  cutOver,
  doStep,
  readLife,
  rollBack,
  startLife,
  switchOver,
} from '../../shared/api/life.ts'
import { putMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { type CutOverStep, cutOverSteps, followSchema, type LifeView } from '../../shared/life.ts'
import { noFilter } from '../../shared/policy.ts'
import { clientOf, listed } from '../drill/compare.ts'
import { Ground, placeIn, type Store } from '../drill/ground.ts'
import { bucket } from '../drill/journal.ts'
import { descendants } from '../support/dray.ts'
import { rawRequest } from '../support/s3-raw.ts'

const objects = 40
let ground: Ground
let old: Store
let fresh: Store
let up: Awaited<ReturnType<Ground['plane']>>
beforeAll(async () => {
  // What a killed agent had begun cannot land any more: its stores are on this machine.
  ground = new Ground({ DRAY_LATE_WRITE_MS: '100' })
  ;[up, old, fresh] = await Promise.all([
    ground.plane(),
    ground.store('old', { buckets: { [bucket]: objects } }),
    ground.store('new', { buckets: { [bucket]: 0, other: 0 } }),
  ])
  await ground.connection(up.plane, 'old', old)
  await ground.connection(up.plane, 'new', fresh)
}, 60_000)
afterAll(() => ground?.end(false))

/** All of `dray up` is killed, its agent with it; then it is started again. */
async function killedWhole(): Promise<void> {
  const { process, plane } = up
  process.kill('SIGKILL')
  await once(process, 'exit')
  up = await ground.plane(Number(plane.url.port))
}

/** The control plane is killed, and started again by its parent, from what it has stored. Its agent lives on, and finds it again. */
async function killed(): Promise<void> {
  const workerds = () =>
    descendants(up.process.pid!).filter(({ command }) => /workerd\S* serve/.test(command))
  const before = workerds().map(({ pid }) => pid)
  expect(before).toHaveLength(1)
  process.kill(before[0]!, 'SIGKILL')
  while (workerds().every(({ pid }) => before.includes(pid)))
    await new Promise((resolve) => setTimeout(resolve, 20))
}

const asked = (migration: string) => ({
  life: (): Promise<LifeView> => up.plane.call(readLife, { params: { migration } }),
  start: () => up.plane.call(startLife, { params: { migration } }),
  cutOver: () => up.plane.call(cutOver, { params: { migration } }),
  rollBack: () => up.plane.call(rollBack, { params: { migration } }),
  abandon: () => up.plane.call(abandonCutOver, { params: { migration } }),
  switch: (how?: { ifMatch: number }) => up.plane.call(switchOver, { params: { migration } }, how),
  close: () => up.plane.call(closeLife, { params: { migration } }),
  step: (step: CutOverStep, body: Parameters<PlaneClient['call']>[1]['body']) =>
    up.plane.call(doStep, { params: { migration, step }, body: body as never }),
})

async function made(migration: string, to: string) {
  const follow = followSchema.parse({ pauseAtLeast: 1, pauseAtMost: 1, quiet: 1, lag: 600 })
  const body = { source: placeIn('old', bucket), destination: placeIn('new', to), filter: noFilter }
  await up.plane.call(putMigration, {
    params: { migration },
    body: { ...body, policy: { delete: true }, follow },
  })
  return asked(migration)
}
type Asked = ReturnType<typeof asked>

/** Where it does not come to be, what there was instead is told before the test is over. */
async function until({ life }: Asked, holds: (view: LifeView) => boolean): Promise<LifeView> {
  const end = performance.now() + 60_000
  for (;;) {
    const view = await life()
    if (holds(view)) return view
    if (performance.now() > end) throw new Error(`${JSON.stringify(view)}\n${ground.log('plane')}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const isPassed = ({ checks, state }: LifeView, step: CutOverStep) =>
  state === 'ready' || checks.some((check) => check.step === step && ['done', 'waived'].includes(check.state))

const refused = (asking: Promise<unknown>): Promise<string> =>
  asking.then(
    () => 'it was not refused',
    (error) => {
      expect(error).toBeInstanceOf(DrayError)
      expect(error.hint).not.toBeNull()
      return `${error.code}: ${error.message}`
    },
  )

async function contents(store: Store, name: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const [key, etag] of listed(clientOf(store.at), name)) found[key] = etag
  return found
}

it('refuses what is out of its turn, and is led by two operators as by one', async () => {
  const one = await made('turns', 'other')
  expect(await refused(one.cutOver())).toMatch(/^busy: .*draft/)
  expect(await refused(one.switch())).toMatch(/^busy:/)
  expect(await refused(one.rollBack())).toMatch(/^busy:/)
  expect(await refused(one.step('freeze', { do: 'declare' }))).toMatch(/^busy: no checklist/)
  await Promise.all([one.start(), one.start()])
  await until(one, ({ state }) => state === 'following')
  expect(await refused(one.switch())).toMatch(/^busy: nothing was made ready/)
  expect(await refused(one.close())).toMatch(/^busy: it is neither cut over nor rolled back/)

  // Both begin the checklist: there is one.
  const both = await Promise.all([one.cutOver(), one.cutOver()])
  expect(both.map(({ state }) => state)).toEqual(['verifying', 'verifying'])
  await until(one, ({ checks }) => checks.some(({ step, state }) => step === 'freeze' && state === 'asks'))
  expect(await refused(one.step('verification', { do: 'retry' }))).toMatch(
    /^busy: the step verification comes after freeze/,
  )
  expect(await refused(one.step('freeze', { do: 'waive', reason: 'no' }))).toMatch(
    /^busy: the step freeze cannot be waived/,
  )
  expect(await refused(one.switch())).toMatch(/^busy: the step freeze is not done/)

  // One declares while the other leaves: whoever was first, it follows again.
  const [, left] = await Promise.all([one.step('freeze', { do: 'declare' }).catch(() => null), one.abandon()])
  expect(left.state).toBe('following')
  expect((await one.life()).state).toBe('following')

  await one.cutOver()
  await until(one, ({ checks }) => checks.some(({ step, state }) => step === 'freeze' && state === 'asks'))
  await Promise.all([one.step('freeze', { do: 'declare' }), one.step('freeze', { do: 'declare' })])
  const { revision } = await until(one, ({ state }) => state === 'ready')
  expect(await refused(one.switch({ ifMatch: revision - 1 }))).toMatch(/^changed:/)
  const over = await Promise.all([one.switch(), one.switch()])
  expect(over.map(({ state, direction }) => `${state} ${direction}`)).toEqual([
    'cut-over back',
    'cut-over back',
  ])
  expect((await one.switch()).state).toBe('cut-over')
  const { history } = await one.life()
  expect(history.filter(({ why }) => why.startsWith('The application uses the destination'))).toHaveLength(1)
  const entries = await up.plane.call(listAudit, { query: { limit: 100 } })
  expect(
    entries.entries.filter(
      ({ action, subject }) => action === 'life.switch' && subject === 'migration/turns',
    ),
  ).toHaveLength(1)
  expect((await one.close()).state).toBe('closed')
  expect(await refused(one.start())).toMatch(/^busy:.*closed/)
}, 120_000)

it('goes on from where it was, in whichever step it is killed, there and back', async () => {
  const one = await made('killed', bucket)
  await one.start()
  await killed()
  await until(one, ({ state }) => state === 'following')

  for (const [way, begin] of [
    ['forward', one.cutOver],
    ['back', one.rollBack],
  ] as const) {
    const [from, to] = way === 'forward' ? [old, fresh] : [fresh, old]
    await rawRequest(from.at, 'PUT', `/${bucket}/${way}`, { body: way })
    await begin()
    for (const step of cutOverSteps) {
      // It is at hand, or was passed before anybody could see it.
      await until(one, (life) => {
        const before = cutOverSteps.slice(0, cutOverSteps.indexOf(step))
        return before.every((each) => isPassed(life, each)) || isPassed(life, step)
      })
      if (step === 'freeze')
        await until(one, ({ checks }) => checks.find((check) => check.step === step)!.state === 'asks')
      await (cutOverSteps.indexOf(step) % 2 === (way === 'back' ? 1 : 0) ? killed() : killedWhole())
      if (step === 'freeze') await one.step('freeze', { do: 'declare' })
      if (step !== 'switch') await until(one, (life) => isPassed(life, step))
    }
    expect((await one.life()).certificate).not.toBeNull()
    // Whether it was heard or not, the same again says where it is.
    void one.switch().catch(() => {})
    await killed()
    expect((await one.switch()).state).toBe(way === 'forward' ? 'cut-over' : 'rolled-back')
    expect(await contents(to, bucket)).toEqual(await contents(from, bucket))
    expect(Object.keys(await contents(to, bucket))).toHaveLength(objects + (way === 'forward' ? 1 : 2))
  }
}, 240_000)
