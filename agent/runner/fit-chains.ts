/** Fits two chains to the end: what listings leave open is asked for, or read. */
import { toDrayError } from '../../shared/error.ts'
import type { Depth } from '../../shared/policy.ts'
import { type Fit, fitChains, type Known, type Match } from '../core/chain.ts'
import { etagKind } from '../core/etag.ts'
import type { Sides } from '../core/judge.ts'
import { prove } from '../prove.ts'
import type { Storage } from '../storage/storage.ts'
import type { Version } from '../storage/versions.ts'
import type { Job } from './copy-packet.ts'

export interface Fitted extends Fit {
  /** Whether anything had to be asked that the listings did not say. */
  readonly wasAsked: boolean
}

/** `isAlike`: what else has to be equal of two versions of equal content. Throws `not-found` and `changed` where a version has gone. */
export async function fitToTheEnd(
  job: Job,
  source: readonly Version[],
  destination: readonly Version[],
  known: Known,
  signal: AbortSignal,
  isAlike: (pair: readonly [Version, Version]) => Promise<boolean> = async () => true,
): Promise<Fitted> {
  const { pass } = job
  const isSampled = source.length > 0 && pass.sight.isSampled?.(source[0]!.key)
  const depth = isSampled ? 'full' : pass.options.kind === 'verify' ? pass.options.depth : 'checksum'
  const sides: Sides = {
    // What tokens are worth may turn out on the way.
    get source() {
      return pass.source.tokens
    },
    get destination() {
      return pass.destination.tokens
    },
    depth,
  }
  const step = fitChains(source, destination, sides, known)
  const tokens = new Set(destination.map(({ token }) => token))
  /** Tokens that were made at random never coincide: where one does, they are made of the content. */
  const areOfContent = source.some(({ token }) => token !== '' && tokens.has(token))
  const asked = new Set<Version>()
  let told: Match = 'differs'
  for (let rounds = 0; ; rounds++) {
    const next = step.next(told)
    if (next.done) return { ...next.value, wasAsked: rounds > 0 || known.source > 0 }
    const pair = next.value
    const mayTell = areOfContent && depth !== 'full'
    const found =
      mayTell && (await haveOtherMd5s(pass, pair, asked, signal))
        ? 'differs'
        : await compare(job, pair, depth, signal)
    told = found !== 'differs' && (await isAlike(pair)) ? found : 'differs'
  }
}

async function compare(
  { pass, tally }: Job,
  [source, destination]: readonly [Version, Version],
  depth: Depth,
  signal: AbortSignal,
): Promise<Match> {
  const deps = { source: pass.source, destination: pass.destination, read: tally.moved }
  const { same } = await prove(deps, source, destination, depth, signal)
  return same === null ? 'differs' : { same }
}

/** Whether two unequal tokens are MD5s of two bodies. Under SSE-KMS they look so and are none: the HEADs tell. */
async function haveOtherMd5s(
  { source, destination }: Job['pass'],
  [a, b]: readonly [Version, Version],
  asked: Set<Version>,
  signal: AbortSignal,
): Promise<boolean> {
  const lookSo = () =>
    source.tokens === 'md5' &&
    destination.tokens === 'md5' &&
    [a, b].every(({ token }) => etagKind(token).kind === 'md5')
  if (!lookSo() || a.token === b.token) return false
  const ask = async (storage: Storage, version: Version) => {
    if (asked.has(version)) return
    await storage.head(version.key, signal, version.version)
    asked.add(version)
  }
  await Promise.all([ask(source, a), ask(destination, b)])
  return lookSo()
}

/** Of an error that says that a version has gone or another has come meanwhile: both chains are to be looked at anew. */
export const hasMoved = (thrown: unknown): boolean =>
  ['not-found', 'changed'].includes(toDrayError(thrown, 'compare').code)
