/** A migration that lives: what is asked of it, and an agent that does its passes. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { expect, vi } from 'vitest'
import type { NewMigration, Problem } from '../../../shared/api/migrations.ts'
import type { listPasses } from '../../../shared/api/passes.ts'
import type { Answer } from '../../../shared/api/route.ts'
import { type Counts, zeroCounts } from '../../../shared/counts.ts'
import { sign } from '../../../shared/identity/keys.ts'
import { sealText } from '../../../shared/ledger.ts'
import { type CutOverStep, type LifeCommand, type LifeView, lifeSchema } from '../../../shared/life.ts'
import type { Failure, LeasedPacket, PlaneMessage } from '../../../shared/protocol.ts'
import { cutOf, outcomeOf, type ScriptedAgent } from '../../support/scripted-agent.ts'
import { denied } from './failing.ts'
import { call, file, identity, json, objectOf, passTime, toMigration } from './inside.ts'

const at = (id: string) => `/api/workspaces/local/migrations/${id}`

/** Of directories, where no uploads can be open, and of which nothing waits for long. */
export const lived: NewMigration = {
  source: file('/old'),
  destination: file('/new'),
  filter: { include: [], exclude: [], only: null },
}
export const follow = { pauseAtLeast: 10, pauseAtMost: 80, quiet: 60, lag: 300, depth: 'checksum' }

export async function put(id: string, over: object = {}): Promise<void> {
  expect((await json('PUT', at(id), { ...lived, follow, ...over })).status).toBe(201)
}

export const read = async (id: string): Promise<LifeView> =>
  lifeSchema.parse((await json('GET', `${at(id)}/life`)).body)

/** What is answered, parsed; throws what is refused. */
export async function ask(id: string, deed: LifeCommand, body?: object): Promise<LifeView> {
  const answer = await json('POST', `${at(id)}/life/${deed}`, body)
  if (answer.status !== 200) throw new Error((answer.body as Problem).detail)
  return lifeSchema.parse(answer.body)
}
export async function answer(id: string, step: string, body: object): Promise<LifeView> {
  const answered = await json('POST', `${at(id)}/life/steps/${step}`, body)
  if (answered.status !== 200) throw new Error((answered.body as Problem).detail)
  return lifeSchema.parse(answered.body)
}
export const refusal = async (id: string, path: string, body?: object, headers?: HeadersInit) => {
  const response = await call('POST', `${at(id)}/${path}`, {
    ...(body && { body: JSON.stringify(body) }),
    ...(headers && { headers }),
  })
  const { detail, hint } = (await response.json()) as Problem
  return { status: response.status, detail, hint }
}

/** Lets `ms` pass, and the alarm ring. */
export async function later(id: string, ms: number): Promise<void> {
  passTime(ms)
  await runDurableObjectAlarm(objectOf(id))
}

/** Until it is so: errands go on by themselves. */
export const until = (id: string, is: (life: LifeView) => boolean): Promise<LifeView> =>
  vi.waitFor(
    async () => {
      const life = await read(id)
      if (!is(life)) throw new Error(`it is ${life.state}: ${JSON.stringify(life.checks)} ${life.next?.what}`)
      return life
    },
    { timeout: 10_000, interval: 5 },
  )

type Work = (packet: LeasedPacket) => { readonly counts: Counts; readonly failures?: readonly Failure[] }
/** All is equal. */
export const equal =
  (n: number): Work =>
  () => {
    const counts = zeroCounts()
    counts.objects.listed = counts.objects.same = n
    counts.bytes.listed = 10 * n
    counts.evidence = { etag: n }
    return { counts }
  }

const digest = (n: number) => n.toString(16).padStart(64, '0')

/** Of all of the key space. `sees`: what stands for the source as the agent has seen it. */
async function sealOf(
  id: string,
  { number, startedAt }: { number: number; startedAt: number },
  counts: Counts,
  sees: number,
) {
  const sums = { source: digest(sees), destination: digest(1) }
  const found = { source: digest(0), destination: digest(0), sums }
  const of = {
    workspace: 'local',
    migration: id,
    pass: number,
    startedAt,
    after: null,
    through: null,
    counts,
  }
  return { ...found, signature: await sign(sealText(found, of), (await identity('a')).signing) }
}

/**
 * Does the pass that runs: `work` says what the outcome of its one packet holds, `sees` what a verification has seen. Answers with the pass as it
 * was told of it, and how it ended.
 */
export async function doPass(id: string, work: Work = equal(2), sees = 1) {
  const agent = await toMigration(id)
  const { pass } = await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(cutOf(survey!, null, [null]))
  const [packet] = await agent.lease()
  const outcome = work(packet!)
  const seal = pass.options.kind === 'verify' && { seal: await sealOf(id, pass, outcome.counts, sees) }
  await agent.ask(outcomeOf(packet!, 0, { ...outcome, ...seal }))
  const end = (await agent.next('end')) as PlaneMessage & { t: 'end' }
  return { ...pass, state: end.state }
}

/** Of each of these keys no object came over. */
export const failing =
  (...keys: string[]): Work =>
  () => {
    const counts = zeroCounts()
    counts.objects.listed = counts.objects.failed = keys.length
    counts.bytes.listed = 10 * keys.length
    const failures = keys.map((key) => ({ ...denied(key), message: `Access Denied (GET ${key}).` }))
    return { counts, failures }
  }

/** An agent in the middle of the pass that runs, with its one packet. */
export async function halfway(id: string): Promise<{ agent: ScriptedAgent; packet: LeasedPacket }> {
  const agent = await toMigration(id)
  await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(cutOf(survey!, null, [null]))
  const [packet] = await agent.lease()
  return { agent, packet: packet! }
}

const isRunning = async (id: string) =>
  (await json<Answer<typeof listPasses>>('GET', `${at(id)}/passes?limit=1`)).body.passes[0]?.state ===
  'running'

/** The pass that the life begins next, when it is due, done to its end. */
export async function nextPass(id: string, work?: Work, sees?: number) {
  if (!(await isRunning(id))) {
    const due = (await read(id)).next?.at ?? 0
    if (due > Date.now()) await later(id, due - Date.now())
    await vi.waitFor(async () => expect(await isRunning(id)).toBe(true), { timeout: 10_000, interval: 5 })
  }
  return doPass(id, work, sees)
}

/** Begun, and backfilled: it follows. */
export async function following(id: string, over: object = {}): Promise<LifeView> {
  await put(id, over)
  await ask(id, 'start')
  await nextPass(id)
  return until(id, ({ state }) => state === 'following')
}

/** In the checklist, with the freeze declared; a pass that follows was done before. */
export async function frozen(id: string): Promise<LifeView> {
  await nextPass(id)
  await until(id, ({ checks }) => checks.some(({ step, state }) => step === 'freeze' && state === 'asks'))
  return answer(id, 'freeze', { do: 'declare' })
}

/** The rest of the checklist, with nothing in the way. */
export async function toReady(id: string): Promise<LifeView> {
  for (const kind of ['copy', 'verify', 'verify', 'verify'])
    expect((await nextPass(id)).options.kind).toBe(kind)
  return until(id, ({ state }) => state === 'ready')
}

/** Cut over. */
export async function over(id: string): Promise<LifeView> {
  await following(id)
  await ask(id, 'cut-over')
  await frozen(id)
  await toReady(id)
  return ask(id, 'switch')
}

/** How a step stands. */
export const check = ({ checks }: LifeView, name: CutOverStep) => checks.find(({ step }) => step === name)!
