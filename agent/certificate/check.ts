/**
 * Checks a certificate by itself: its form, its signature, its leaves (that each is signed by its agent, and that they follow one another without
 * a gap), and that the statement says what they come to. Memory holds one leaf, and the figures of each agent.
 */
import { addCounts, addsUp, type Counts, zeroCounts } from '../../shared/counts.ts'
import { DrayError } from '../../shared/error.ts'
import { isSigned, verifierOf } from '../../shared/identity/keys.ts'
import { parseJson } from '../../shared/json.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import {
  addSums,
  canonicalJson,
  type Leaf,
  leafSchema,
  leafText,
  noSums,
  type Statement,
  sampleBound,
  sealText,
  statementSchema,
  statementText,
} from '../../shared/ledger.ts'
import { Merkle } from '../../shared/merkle.ts'
import { isEmpty, type Range } from '../../shared/range.ts'
import { compileFilter } from '../core/filter.ts'
import { narrow } from '../core/narrow.ts'
import { type Compared, comparedSchema, isOneWay } from './policy.ts'

export interface Checked {
  readonly statement: Statement
  /** Null where the statement does not say it in a way that is known here. */
  readonly compared: Compared | null
  /** Sentences; none where it holds. */
  readonly problems: readonly string[]
  readonly leaves: number
}

export interface CheckOptions {
  /** Which the control plane is known by (base64url); null: the certificate's own word is taken for it. */
  readonly key: string | null
  /** ms */
  readonly now: number
  /** Is called with the statement before any leaf; not where it is not what was signed, since what it says is to be acted on. */
  begin?(statement: Statement, compared: Compared | null): Promise<void>
  /** Is called with each leaf that is well formed, in the order of the file. */
  leaf?(leaf: Leaf): Promise<void>
}

/** Of one certificate; the rest would say nothing new. */
const mostProblems = 20
/** Clocks that nobody sets. */
const clocksApartMs = 10 * 60_000

/** Throws `config` where this is no certificate at all. */
export async function checkCertificate(
  lines: AsyncIterable<string>,
  { key, now, begin, leaf: heard }: CheckOptions,
): Promise<Checked> {
  const problems: string[] = []
  const wrong = (problem: string) => {
    if (problems.length < mostProblems) problems.push(problem)
  }
  const ledger = new Ledger(wrong)
  let statement: Statement | null = null
  let compared: Compared | null = null
  for await (const line of lines) {
    if (!statement) {
      statement = await statementOf(line, wrong)
      compared = comparedSchema.safeParse(statement.policy).data ?? null
      if (key !== null && key !== statement.key)
        wrong('It is signed by another control plane than the one that was asked for.')
      await ledger.begin(statement, compared)
      if (problems.length === 0) await begin?.(statement, compared)
      continue
    }
    const leaf = leafOf(line)
    if (leaf) {
      await ledger.add(leaf)
      await heard?.(leaf)
    } else {
      ledger.broken()
    }
  }
  if (!statement) throw noCertificate()
  checkWords(statement, compared, now, wrong)
  await ledger.end(statement)
  return { statement, compared, problems, leaves: ledger.leaves }
}

async function statementOf(line: string, wrong: (problem: string) => void): Promise<Statement> {
  let value: unknown
  try {
    value = parseJson(line)
  } catch {
    throw noCertificate()
  }
  const statement = statementSchema.safeParse(value).data
  if (!statement) throw noCertificate()
  // As it was signed, also what a later version may have added.
  if (!(await isSigned(statementText(value as Statement), statement.signature, statement.key)))
    wrong('The statement is not signed by the key that it names: something in it was changed.')
  return statement
}

const noCertificate = () =>
  new DrayError('config', 'read the certificate', 'this file does not begin with a certificate', {
    hint: 'Give the file that dray migration certificate wrote, whole.',
  })

function leafOf(line: string): Leaf | null {
  try {
    return leafSchema.safeParse(parseJson(line)).data ?? null
  } catch {
    return null
  }
}

/** What the statement says of itself. */
function checkWords(
  statement: Statement,
  compared: Compared | null,
  now: number,
  wrong: (problem: string) => void,
): void {
  const { startedAt, endedAt, issuedAt, counts, exceptions, sample } = statement
  if (startedAt > endedAt || endedAt > issuedAt)
    wrong('Its times contradict one another: it was to begin, end and be signed in this order.')
  if (issuedAt > now + clocksApartMs) wrong('It is dated in the future.')
  if (!compared) {
    wrong('What was compared is not said in a way that this version of Dray knows.')
    return
  }
  const { failed, extra, same } = counts.objects
  const left = exceptions.named.length + exceptions.left
  if (failed !== left)
    wrong(`${failed} objects were found to differ, and ${left} exceptions are named or counted.`)
  if (extra > 0 && !isOneWay(compared)) wrong(`${extra} objects were only at the destination.`)
  const isSampled = compared.options.sample !== null
  if (isSampled !== (sample !== null)) wrong('It is not clear whether a sample was read.')
  const read = counts.sampled ?? 0
  if (sample && (sample.read !== read || sample.of !== same || !isBound(sample)))
    wrong('What it says of its sample is not what was counted.')
}

const isBound = ({ read, of, below }: NonNullable<Statement['sample']>) =>
  Math.abs(below - sampleBound(read, of)) < 1e-12

/** What the leaves come to, one after the other. */
class Ledger {
  readonly #wrong: (problem: string) => void
  readonly #tree = new Merkle()
  readonly #agents = new Map<string, { holds: Awaited<ReturnType<typeof verifierOf>>; leaves: number }>()
  readonly #counts: Counts = zeroCounts()
  #sums = noSums
  #statement!: Statement
  /** Where the filter can match; null where nobody knows. */
  #ranges: Range[] | null = null
  #after: Key | null = null
  /** Whether the last leaf went to the end of the key space. */
  #isAtEnd = false

  constructor(wrong: (problem: string) => void) {
    this.#wrong = wrong
  }

  get leaves(): number {
    return this.#tree.leaves
  }

  async begin(statement: Statement, compared: Compared | null): Promise<void> {
    this.#statement = statement
    // With a mapping, the filter is for keys as they were before.
    const isMapped = compared?.mapping !== undefined || compared?.manifest !== undefined
    this.#ranges = compared && !isMapped ? compileFilter(compared.filter).ranges : null
    for (const { agent, key } of statement.agents)
      this.#agents.set(agent, { holds: await verifierOf(key), leaves: 0 })
  }

  broken(): void {
    this.#wrong(`Line ${this.leaves + 2} is no leaf of a ledger.`)
  }

  async add(leaf: Leaf): Promise<void> {
    const { after, through, counts, seal, agent } = leaf
    this.#follow({ after, through })
    if (!addsUp(counts)) this.#wrong(`The counts ${where(leaf)} do not add up.`)
    const known = this.#agents.get(agent)
    const { workspace, migration, pass, startedAt } = this.#statement
    const text = sealText(seal, { workspace, migration, pass, startedAt, after, through, counts })
    if (!known) this.#wrong(`Nobody knows the agent that sealed what is ${where(leaf)}: ${agent}.`)
    else if (!(await known.holds(text, seal.signature)))
      this.#wrong(`What is ${where(leaf)} is not as the agent ${agent} has signed it.`)
    if (known) known.leaves++
    addCounts(this.#counts, counts)
    this.#sums = addSums(this.#sums, seal.sums)
    await this.#tree.add(leafText(leaf))
  }

  #follow(range: Range): void {
    const isBefore = range.after === null && this.#after !== null
    if (this.#isAtEnd || isBefore || isEmpty(range)) {
      this.#wrong(`A leaf is out of its order: ${where(range)}.`)
    } else if (range.after !== this.#after) {
      this.#gap({ after: this.#after, through: range.after })
    }
    this.#after = range.through
    this.#isAtEnd = range.through === null
  }

  /** What no leaf speaks for may only be where the filter matches nothing. */
  #gap(gap: Range): void {
    const { after, through } = gap
    if (after === null && through === null) return
    if (after !== null && through !== null && through <= after)
      this.#wrong(`Leaves overlap before ${displayKey(after)}.`)
    else if (!this.#ranges || narrow(gap, this.#ranges).length > 0)
      this.#wrong(`No leaf speaks for what is ${where(gap)}.`)
  }

  async end(statement: Statement): Promise<void> {
    if (!this.#isAtEnd) this.#gap({ after: this.#after, through: null })
    if (this.leaves === 0) this.#wrong('It has no leaves: the file is not whole.')
    if (this.leaves !== statement.leaves)
      this.#wrong(`It is to have ${statement.leaves} leaves, and has ${this.leaves}.`)
    if ((await this.#tree.root()) !== statement.root) this.#wrong('Its leaves do not hash to its root.')
    if (!isEqual(this.#sums, statement.sums)) this.#wrong('Its leaves do not add up to its sums.')
    if (!isEqual(this.#counts, statement.counts)) this.#wrong('Its leaves do not add up to its counts.')
    for (const { agent, leaves } of statement.agents) {
      const sealed = this.#agents.get(agent)!.leaves
      if (sealed !== leaves)
        this.#wrong(`The agent ${agent} is to have sealed ${leaves} ranges, and sealed ${sealed}.`)
    }
  }
}

const isEqual = (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b)

/** For a sentence: `between a and b`. */
export function where({ after, through }: Range): string {
  if (after === null && through === null) return 'in all of it'
  if (after === null) return `up to ${displayKey(through!)}`
  if (through === null) return `past ${displayKey(after)}`
  return `past ${displayKey(after)}, up to ${displayKey(through)}`
}
