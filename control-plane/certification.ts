/**
 * Certifies a verification: looks at every leaf of its ledger (its signature, and that all of them add up to what was counted; they tile, as packets do),
 * and signs what that comes to. Memory holds one page of leaves, whatever their number; nothing is kept of an attempt that was cut off, and asking
 * again begins anew. What was certified stays as it is.
 */
import { addCounts, type Counts, zeroCounts } from '../shared/counts.ts'
import type { ErrorCode } from '../shared/error.ts'
import { sign, verifierOf } from '../shared/identity/keys.ts'
import { publicKey } from '../shared/key.ts'
import {
  addSums,
  canonicalJson,
  type Leaf,
  leafText,
  noSums,
  type Statement,
  type Sums,
  sampleBound,
  sampleConfidence,
  sealText,
  statementText,
} from '../shared/ledger.ts'
import { formatLocation } from '../shared/location.ts'
import { Merkle } from '../shared/merkle.ts'
import { localAgent } from './access/agent.ts'
import { certificateKey } from './certificate-key.ts'
import type { Basis } from './certificate-table.ts'
import { type Env, lateWriteMs, localWorkspace } from './env.ts'
import { leavesPage } from './leaves.ts'
import { letOthers } from './let-others.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PlacedPackets } from './packet-runs.ts'
import type { PassRow } from './pass-table.ts'
import { Agents } from './store/agents.ts'

export interface Refused {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}
export type Certified = { readonly statement: Statement } | { readonly refused: Refused }

interface Around {
  readonly env: Env
  readonly tables: MigrationTables
  readonly placed: PlacedPackets
}

const anew = 'Verify again, and certify that.'

/** The statement, which nobody has stored yet. */
export async function certify(around: Around, pass: PassRow, now: () => number): Promise<Certified> {
  const { env, tables } = around
  const basis = tables.certificates.basis(pass.number)
  const refused = refusal(env, tables, pass, basis)
  if (refused) return { refused }
  const key = await certificateKey(env)
  if (!key) {
    const hint = 'Whoever deployed it gives it one of 32 characters or more.'
    return no('config', 'this control plane has no DRAY_AUTH_SECRET, which its signature is made from', hint)
  }
  const found = await gather(around, pass, basis!)
  if ('refused' in found) return found
  // Somebody may have taken a waiver back meanwhile.
  const since = refusal(env, tables, tables.passes.get(pass.number) ?? pass, basis)
  if (since) return { refused: since }
  const unsigned = { ...statementOf(tables, pass, basis!, found), issuedAt: now(), key: key.public }
  const signature = await sign(statementText({ ...unsigned, signature: '' }), key)
  return { statement: { ...unsigned, signature } }
}

/** Why a pass cannot be certified, by what is known of it as a whole; null: it may be. */
export function refusal(
  env: Env,
  tables: MigrationTables,
  pass: PassRow,
  basis: Basis | null,
): Refused | null {
  const { number, state, options, counters, retries, startedAt } = pass
  if (options.kind !== 'verify')
    return refuse('usage', `pass ${number} is a copy`, 'Verify, and certify that: dray verify.')
  if (retries !== null)
    return refuse('usage', `pass ${number} has looked at what failed in pass ${retries} alone`, anew)
  if (state === 'running') return refuse('busy', `pass ${number} has not ended`, 'Certify it when it has.')
  if (state === 'cancelled') return refuse('usage', `pass ${number} was cancelled`, anew)
  if (state === 'incomplete') {
    const { failed, extra } = counters.counts.objects
    const open = Math.max(0, failed - tables.failures.totals(number).waived)
    const parked = counters.packets.parked
    const what = [
      ...(open > 0 ? [`${open} objects are not equal, and nobody has waived that`] : []),
      ...(extra > 0 && !options.oneWay ? [`${extra} are only at the destination`] : []),
      ...(parked > 0 ? [`${parked} packets could not be looked at`] : []),
    ]
    const hint = `Copy what is missing, waive by name what may differ (dray migration failures), and ${anew.charAt(0).toLowerCase()}${anew.slice(1)}`
    return refuse(
      'differs',
      `pass ${number} is not complete: ${what.join('; ') || 'some of it is open'}`,
      hint,
    )
  }
  if (!basis || !counters.seals || counters.seals.missing > 0) {
    const hint = `Bring all agents up to date. ${anew}`
    return refuse(
      'protocol',
      `agents of an older version have worked on pass ${number}, and sealed nothing`,
      hint,
    )
  }
  const looseUntil = basis.lostAt === 0 ? 0 : basis.lostAt + lateWriteMs(env)
  if (looseUntil > startedAt) {
    const until = new Date(looseUntil).toISOString()
    return refuse(
      'busy',
      `a lease was lost before pass ${number} began, and what was written under it may have landed until ${until}`,
      `Verify again after ${until}, and certify that.`,
    )
  }
  return null
}

interface Found {
  readonly leaves: number
  readonly root: string
  readonly sums: Sums
  readonly agents: Statement['agents']
}

async function gather(
  { env, tables, placed }: Around,
  pass: PassRow,
  { definition }: Basis,
): Promise<Found | { readonly refused: Refused }> {
  const tree = new Merkle()
  const keys = new Map<string, { key: string; leaves: number; holds: Holds }>()
  let sums = noSums
  const counts = zeroCounts()
  const runs = await placed.of(pass)
  const { workspace, id: migration } = definition
  const of = { workspace, migration, pass: pass.number, startedAt: pass.startedAt }

  async function take({ agent, ...leaf }: Leaf): Promise<Refused | null> {
    let known = keys.get(agent)
    if (!known) {
      const key = await keyOf(env, workspace, agent)
      if (key === null)
        return refuse(
          'bad-credentials',
          `the agent ${agent || 'that has sealed a range'} is not known here any more`,
          anew,
        )
      known = { key, leaves: 0, holds: await verifierOf(key) }
      keys.set(agent, known)
    }
    known.leaves++
    const { signature, ...seal } = leaf.seal
    if (!(await known.holds(sealText(seal, { ...of, ...leaf }), signature)))
      return refuse(
        'bad-credentials',
        `a seal of the agent ${agent} is not signed by the key that it has joined with`,
        anew,
      )
    sums = addSums(sums, seal.sums)
    addCounts(counts, leaf.counts)
    await tree.add(leafText({ ...leaf, agent }))
    return null
  }

  for (
    let from: Parameters<typeof leavesPage>[2] = null, isFirst = true;
    isFirst || from !== null;
    isFirst = false
  ) {
    const page = leavesPage(tables, runs, from)
    for (const leaf of page.leaves) {
      const refused = await take(leaf)
      if (refused) return { refused }
    }
    from = page.next
    await letOthers()
  }
  if (!isEqual(counts, pass.counters.counts) || !isEqual(sums, sumsOf(pass)))
    return no(
      'not-found',
      `the ledger of pass ${pass.number} is not whole any more: later passes took its place`,
      anew,
    )
  const agents = [...keys].map(([agent, { key, leaves }]) => ({ agent, key, leaves }))
  agents.sort((a, b) => (a.agent < b.agent ? -1 : 1))
  return { leaves: tree.leaves, root: await tree.root(), sums, agents }
}

type Holds = Awaited<ReturnType<typeof verifierOf>>

/** Of all seals of a verification that has ended; null where there is one without. */
export function sumsOf({ options, retries, state, counters }: PassRow): Sums | null {
  const isWhole = options.kind === 'verify' && retries === null
  if (!isWhole || state === 'running' || state === 'cancelled') return null
  if (counters.packets.parked > 0 || !counters.seals || counters.seals.missing > 0) return null
  const { source, destination } = counters.seals
  return { source, destination }
}

const isEqual = (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b)

/** The public key that an agent has joined with; null where there is no such agent. */
async function keyOf(env: Env, workspace: string, agent: string): Promise<string | null> {
  const local = workspace === localWorkspace ? localAgent(env) : null
  if (local?.agent === agent) return local.signing
  return (await Agents.of(env, workspace).find(agent))?.signing ?? null
}

function statementOf(tables: MigrationTables, pass: PassRow, { definition }: Basis, found: Found) {
  const { number, options, startedAt, endedAt, counters } = pass
  const { source, destination, filter, mapping, manifest } = definition
  // A pass back looks at the destination as its source.
  const [from, to] = options.direction === 'back' ? [destination, source] : [source, destination]
  return {
    ...{ version: 1 as const, workspace: definition.workspace, migration: definition.id, pass: number },
    ...{ source: formatLocation(from), destination: formatLocation(to) },
    policy: {
      ...{ source: from, destination: to, filter, options },
      ...(mapping && { mapping }),
      ...(manifest && { manifest }),
    },
    ...{ startedAt, endedAt: endedAt ?? startedAt, counts: counters.counts },
    ...found,
    sample: sampleOf(options.sample, counters.counts),
    exceptions: exceptionsOf(tables, pass),
  }
}

function sampleOf(share: number | null, { objects, sampled: read = 0 }: Counts): Statement['sample'] {
  if (share === null) return null
  // What is named as an exception is no part of what the sample speaks for.
  const of = objects.same
  return { read, of, confidence: sampleConfidence, below: sampleBound(read, of) }
}

/** So many are named, and in no more characters: the statement is one row. */
const mostNamed = 1_000
const namedText = 400_000

function exceptionsOf(tables: MigrationTables, pass: PassRow): Statement['exceptions'] {
  const waivedOf = (one: PassRow) => tables.failures.totals(one.number).waived
  const rowsOf = (one: PassRow) =>
    waivedOf(one) === 0 ? [] : tables.failures.list(tables.failureIds(one), { state: 'waived' }, mostNamed)
  const own = rowsOf(pass)
  // One that does not mind what is at one side alone has not seen the conflicts of the copy before it that are.
  const copy = pass.options.oneWay ? copyBefore(tables, pass) : null
  const seen = new Set(own.map(({ key }) => key))
  const unseen = copy ? rowsOf(copy).filter(({ code, key }) => code === 'conflict' && !seen.has(key)) : []
  const rows = [...own, ...unseen].slice(0, mostNamed)
  const waived = waivedOf(pass) + unseen.length
  const named: Statement['exceptions']['named'] = []
  let text = 0
  for (const { key, code, message, waiver } of rows) {
    const exception = { key: publicKey(key).key, code, message, waivedBy: waiver!.by, reason: waiver!.reason }
    text += JSON.stringify(exception).length
    if (text > namedText) break
    named.push(exception)
  }
  return { named, left: waived - named.length }
}

/** The last whole copy before it, of its direction. */
function copyBefore(tables: MigrationTables, { number, options }: PassRow): PassRow | null {
  let before = tables.passes.wholeBefore(number)
  while (before && before.options.kind !== 'copy') before = tables.passes.wholeBefore(before.number)
  return before?.options.direction === options.direction ? before : null
}

const refuse = (code: ErrorCode, message: string, hint: string): Refused => ({ code, message, hint })
const no = (...why: Parameters<typeof refuse>) => ({ refused: refuse(...why) })
