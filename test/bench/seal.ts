/**
 * `node test/bench/seal.ts [KEYS]`: what a seal costs a verification. Two listings that cost nothing are walked and compared, once as a copy does
 * it and once with a seal for every 10,000 keys; then a Merkle root over so many leaves. Prints time and what that is for a key, or a leaf.
 */
import type { Sight } from '../../agent/core/decide.ts'
import { compileFilter } from '../../agent/core/filter.ts'
import { look } from '../../agent/runner/look.ts'
import { createObserved } from '../../agent/runner/observed.ts'
import type { Pass } from '../../agent/runner/pass.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import type { Entry, Storage } from '../../agent/storage/storage.ts'
import { zeroCounts } from '../../shared/counts.ts'
import { makeKeys, sign, verifierOf } from '../../shared/identity/keys.ts'
import { keyFromText } from '../../shared/key.ts'
import { leafText, sealText } from '../../shared/ledger.ts'
import { Merkle } from '../../shared/merkle.ts'
import { noFilter, passOptions } from '../../shared/policy.ts'
import { everything } from '../../shared/range.ts'

const keys = Number(process.argv[2] ?? 1_000_000)
const pieces = 10_000
const { signal } = new AbortController()
const pair = await makeKeys('Ed25519')

/** Pages are made before the clock runs. */
const pages: Entry[][] = []
for (let from = 0; from < keys; from += 1_000) {
  pages.push(
    Array.from({ length: 1_000 }, (_, i) => ({
      key: keyFromText(`pictures/${String(from + i).padStart(9, '0')}/of the month.jpg`),
      ...{ kind: 'object', size: i, mtime: 1_800_000_000_000_000 },
      token: `9e107d9d372bb6826bd81d3542a4${String(i).padStart(4, '0')}`,
    })),
  )
}
const storage: Storage = {
  ...memoryStorage(),
  kind: 's3',
  tokens: 'md5',
  async *list() {
    yield* pages
  },
}
const options = passOptions({ kind: 'verify' })
const sight: Sight = { options, source: 'md5', destination: 'md5', startedAt: 0 } as Sight
const of = { workspace: 'w', migration: 'm', pass: 1, startedAt: 0 }
const pass = {
  ...{
    options,
    sight,
    source: storage,
    destination: storage,
    filter: compileFilter(noFilter),
    baseline: null,
  },
  listDestination: storage.list.bind(storage),
  sign: async (found: object, range: object) => ({
    ...found,
    signature: await sign(sealText(found as never, { ...of, ...range } as never), pair),
  }),
} as unknown as Pass

async function walk(sealed: boolean): Promise<number> {
  const observed = sealed ? createObserved(pass) : null
  const began = performance.now()
  let seen = 0
  let after = null
  for await (const batch of look(pass, everything, { signal, fresh: false, observed })) {
    seen += batch.length
    const through = batch.at(-1)!.key
    if (!observed || seen % pieces !== 0) continue
    await observed.seal({ after, through }, zeroCounts())
    after = through
  }
  return performance.now() - began
}

const say = (what: string, ms: number, each: number, unit: string) =>
  console.log(
    `${what.padEnd(40)} ${(ms / 1000).toFixed(2)} s, ${((1000 * ms) / each).toFixed(2)} µs a ${unit}`,
  )

await walk(false)
await walk(true)
say('compared, as a copy does', await walk(false), keys, 'key')
say('compared and sealed', await walk(true), keys, 'key')

const leaves = 20_000
const found = { source: '0'.repeat(64), destination: '0'.repeat(64) }
const text = sealText({ ...found, sums: found }, { ...of, after: null, through: null, counts: zeroCounts() })
const seal = { ...found, sums: found, signature: await sign(text, pair) }
const holds = await verifierOf(pair.public)
const tree = new Merkle()
const began = performance.now()
for (let i = 0; i < leaves; i++) {
  await holds(text, seal.signature)
  await tree.add(leafText({ after: null, through: null, counts: zeroCounts(), seal, agent: 'a' }))
}
await tree.root()
say('leaves checked and hashed', performance.now() - began, leaves, 'leaf')
