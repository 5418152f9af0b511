/** Which verifications are certified, and which are refused and why; agents here sign what they please. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Counts, zeroCounts } from '../../../shared/counts.ts'
import { isSigned, sign } from '../../../shared/identity/keys.ts'
import type { Key } from '../../../shared/key.ts'
import {
  addSums,
  type Leaf,
  leafText,
  noSums,
  type Seal,
  type Statement,
  sealText,
  statementText,
} from '../../../shared/ledger.ts'
import { Merkle } from '../../../shared/merkle.ts'
import type { LeasedPacket } from '../../../shared/protocol.ts'
import { heldOf, outcomeOf, type ScriptedAgent } from '../../support/scripted-agent.ts'
import {
  begin,
  call,
  definition,
  identity,
  file as inside,
  json,
  objectOf,
  passTime,
  prepare,
  toMigration,
} from './inside.ts'

beforeAll(prepare)
afterEach(() => void vi.useRealTimers())

const digest = (n: number) => n.toString(16).padStart(64, '0')
const key = (text: string | null) => text as Key | null

function countsOf(n: number): Counts {
  const counts = zeroCounts()
  counts.objects.listed = counts.objects.same = n
  counts.bytes.listed = n * 10
  counts.evidence = n > 0 ? { etag: n } : {}
  return counts
}

/** A seal of a range of the pass, by the agent `a`, whose sums are `n`. */
async function sealOf(
  migration: string,
  pass: { number: number; startedAt: number },
  range: { after: string | null; through: string | null; counts: Counts },
  n: number,
): Promise<Seal> {
  const found = {
    ...{ source: digest(n), destination: digest(n + 1) },
    sums: { source: digest(n), destination: digest(n) },
  }
  const of = { workspace: 'local', migration, pass: pass.number, startedAt: pass.startedAt }
  const { after, through, counts } = range
  const text = sealText(found, { ...of, after: key(after), through: key(through), counts })
  return { ...found, signature: await sign(text, (await identity('a')).signing) }
}

interface Verified {
  agent: ScriptedAgent
  pass: { number: number; startedAt: number }
}

/**
 * A verification of `id` that has ended: settled up to c and up to f, a packet up to k, settled to the end; `over` of that packet's outcome.
 */
async function verified(id: string, over: object = {}, sealed = true): Promise<Verified> {
  await begin(id, { kind: 'verify' })
  return work(id, over, sealed)
}

async function work(id: string, over: object = {}, sealed = true): Promise<Verified> {
  const agent = await toMigration(id)
  const { pass } = await agent.hello('a', `a-${Date.now()}`)
  const [survey] = (await agent.lease()) as [LeasedPacket]
  let after: string | null = null
  const cuts = []
  for (const [through, n] of [
    ['c', 3],
    ['f', 4],
    ['k', null],
    [null, 5],
  ] as const) {
    const counts = n === null ? null : countsOf(n)
    const seal = counts && sealed ? { seal: await sealOf(id, pass, { after, through, counts }, n!) } : {}
    cuts.push({
      through: key(through),
      work: { objects: n === null ? 2 : 0, bytes: 0 },
      settled: counts,
      ...seal,
    })
    after = through
  }
  await agent.ask({ t: 'cut', packet: survey.id, generation: survey.generation, from: null, cuts })
  const [packet] = (await agent.lease()) as [LeasedPacket]
  const counts = countsOf(2)
  const seal = await sealOf(id, pass, { after: 'f', through: 'k', counts }, 7)
  const told = { counts, ...(sealed && { seal }), ...over }
  await agent.ask(outcomeOf(packet, 2, told))
  return { agent, pass }
}

const certify = (id: string, pass = 1) =>
  json<Statement & { detail: string; hint: string }>(
    'POST',
    `/api/workspaces/local/migrations/${id}/passes/${pass}/certificate`,
  )
const file = async (id: string, pass = 1) =>
  (await (await call('GET', `/api/workspaces/local/migrations/${id}/passes/${pass}/certificate`)).text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('a verification that has ended', () => {
  it('is certified: its statement is signed, and its leaves tile the key space and hash to its root', async () => {
    const { pass } = await verified('whole')
    const { status, body: statement } = await certify('whole')
    expect(status).toBe(201)
    expect(statement).toMatchObject({
      ...{ version: 1, workspace: 'local', migration: 'whole', pass: 1, startedAt: pass.startedAt },
      ...{ source: 's3://a/', destination: 's3://b/', leaves: 4 },
      counts: { objects: { listed: 14, same: 14 }, evidence: { etag: 14 } },
      sums: { source: digest(3 + 4 + 5 + 7), destination: digest(3 + 4 + 5 + 7) },
      sample: null,
      exceptions: { named: [], left: 0 },
      agents: [{ agent: 'a', key: (await identity('a')).signing.public, leaves: 4 }],
    })
    const { body: plane } = await json<{ key: string }>('GET', '/api/certificate-key')
    expect(statement.key).toBe(plane.key)
    expect(await isSigned(statementText(statement), statement.signature, plane.key)).toBe(true)

    const [first, ...leaves] = (await file('whole')) as [Statement, ...Leaf[]]
    expect(first).toEqual(statement)
    expect(leaves.map(({ after, through }) => [after, through])).toEqual([
      [null, 'c'],
      ['c', 'f'],
      ['f', 'k'],
      ['k', null],
    ])
    const tree = new Merkle()
    for (const leaf of leaves) await tree.add(leafText(leaf))
    expect(await tree.root()).toBe(statement.root)
    expect(leaves.reduce((sums, { seal }) => addSums(sums, seal.sums), noSums)).toEqual(statement.sums)
  })

  it('says the same again, where its object has slept too, and is in the list', async () => {
    await verified('again')
    const [{ body: one }, { body: two }] = await Promise.all([certify('again'), certify('again')])
    expect(two).toEqual(one)
    await evictDurableObject(objectOf('again'))
    const { status, body } = await certify('again')
    expect([status, body]).toEqual([200, one])
    const listed = await json<{ certificates: Statement[] }>(
      'GET',
      '/api/workspaces/local/migrations/again/certificates',
    )
    expect(listed.body.certificates).toEqual([one])
    expect(await objectOf('again').sums(1)).toEqual(one.sums)
  })

  it('leaves out what the filter cannot match, and certifies the rest', async () => {
    const filter = { include: ['/b/**'], exclude: [], only: null }
    await begin('some', { kind: 'verify' }, { ...definition, filter })
    const agent = await toMigration('some')
    const { pass } = await agent.hello('a')
    const [survey] = (await agent.lease()) as [LeasedPacket]
    const { after, through } = survey
    const counts = countsOf(1)
    const seal = await sealOf('some', pass, { after, through, counts }, 1)
    const cut = { through, work: { objects: 0, bytes: 0 }, settled: counts, seal }
    await agent.ask({ t: 'cut', packet: survey.id, generation: survey.generation, from: after, cuts: [cut] })
    expect((await certify('some')).body).toMatchObject({ leaves: 1, counts: { objects: { listed: 1 } } })
  })
})

describe('refused, with what to do, is', () => {
  const refused = async (id: string, pass = 1) => {
    const { status, body } = await certify(id, pass)
    expect(status).toBe(409)
    expect(body.hint).toBeTruthy()
    return body.detail
  }

  it('a copy', async () => {
    await begin('copied')
    expect(await refused('copied')).toMatch(/is a copy/)
    expect((await certify('copied', 2)).status).toBe(404)
  })

  it('one that has not ended, or was cancelled', async () => {
    await begin('running', { kind: 'verify' })
    expect(await refused('running')).toMatch(/has not ended/)
    await json('POST', '/api/workspaces/local/migrations/running/passes/1/cancel')
    expect(await refused('running')).toMatch(/cancelled/)
  })

  it('one that found a difference; once that is waived it is an exception by name', async () => {
    const counts = countsOf(2)
    counts.objects.same = 1
    counts.objects.failed = 1
    const seal = { seal: undefined as unknown as Seal }
    const failures = [{ key: 'g', code: 'differs', message: 'Its content is another.', bytes: 10 }]
    await begin('waived', { kind: 'verify' })
    const status = (
      await json<{ startedAt: number }>('GET', '/api/workspaces/local/migrations/waived/passes/1')
    ).body
    const pass = { number: 1, startedAt: status.startedAt }
    seal.seal = await sealOf('waived', pass, { after: 'f', through: 'k', counts }, 7)
    await work('waived', { counts, failures, ...seal })
    expect(await refused('waived')).toMatch(/1 objects? (is|are) not equal/)
    const { status: waived } = await json(
      'POST',
      '/api/workspaces/local/migrations/waived/passes/1/failures/waive',
      {
        reason: 'a test picture',
      },
    )
    expect(waived).toBeLessThan(300)
    expect((await certify('waived')).body).toMatchObject({
      counts: { objects: { failed: 1 } },
      exceptions: { named: [{ key: 'g', code: 'differs', reason: 'a test picture' }], left: 0 },
    })
  })

  it('one that an agent of an older version has not sealed', async () => {
    await verified('unsealed', {}, false)
    expect(await refused('unsealed')).toMatch(/older version/)
  })

  it('one with a seal that its agent has not signed', async () => {
    await begin('forged', { kind: 'verify' })
    const { agent } = { agent: await toMigration('forged') }
    const { pass } = await agent.hello('a')
    const [survey] = (await agent.lease()) as [LeasedPacket]
    const counts = countsOf(1)
    // Of another range.
    const seal = await sealOf('forged', pass, { after: null, through: 'x', counts }, 1)
    const cut = { through: null, work: { objects: 0, bytes: 0 }, settled: counts, seal }
    await agent.ask({ t: 'cut', packet: survey.id, generation: survey.generation, from: null, cuts: [cut] })
    expect(await refused('forged')).toMatch(/not signed/)
  })

  it('one whose ledger was forgotten since, as of passes of long ago', async () => {
    await verified('thinned')
    await runInDurableObject(objectOf('thinned'), (_, { storage }) => {
      storage.sql.exec('DELETE FROM packet WHERE id = (SELECT MAX(id) FROM packet)')
    })
    await evictDurableObject(objectOf('thinned'))
    expect(await refused('thinned')).toMatch(/is not whole any more/)
  })

  it('none for leases that were given back: whoever held them says that nothing is under way', async () => {
    await begin('given', {}, { ...definition, source: inside('/srv') })
    const copying = await toMigration('given')
    await copying.hello('a')
    const [survey] = (await copying.lease()) as [LeasedPacket]
    const cut = { through: null, work: { objects: 1, bytes: 1 }, settled: null }
    await copying.ask({
      t: 'cut',
      packet: survey.id,
      generation: survey.generation,
      from: null,
      cuts: [cut],
    })
    await copying.ask({ t: 'release', held: heldOf(await copying.lease()) })
    await json('POST', '/api/workspaces/local/migrations/given/passes/1/cancel')
    await copying.closed
    expect(await objectOf('given').looseUntil()).toBe(0)
    await json('POST', '/api/workspaces/local/migrations/given/passes', { kind: 'verify' })
    await work('given')
    expect((await certify('given', 2)).status).toBe(201)
  })

  it('one that began before a write under a lost lease can have ended; one after that is certified', async () => {
    // Of a directory, so that the passes after it begin with one survey too.
    await begin('late', {}, { ...definition, source: inside('/srv') })
    const copying = await toMigration('late')
    await copying.hello('a')
    const [survey] = (await copying.lease()) as [LeasedPacket]
    const cut = { through: null, work: { objects: 1, bytes: 1 }, settled: null }
    await copying.ask({ t: 'cut', packet: survey.id, generation: survey.generation, from: null, cuts: [cut] })
    await copying.lease()
    await json('POST', '/api/workspaces/local/migrations/late/passes/1/cancel')
    await copying.closed
    await json('POST', '/api/workspaces/local/migrations/late/passes', { kind: 'verify' })
    await work('late')
    expect(await refused('late', 2)).toMatch(/a lease was lost/)
    passTime(21 * 60_000)
    await json('POST', '/api/workspaces/local/migrations/late/passes', { kind: 'verify' })
    await work('late')
    expect((await certify('late', 3)).status).toBe(201)
  })
})
