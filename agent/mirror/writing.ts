/**
 * A write to both sides, from the intent to the verdict:
 *
 *   the roles stand still → the intent is on the disk → (the body comes) → the key is ours → both sides are asked → the verdict
 *
 * What is thrown before the sides are asked leaves both as they were. After that nothing is thrown: whatever happens becomes a verdict.
 */
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { type Fate, fateOf, type Verdict, verdict } from '../core/mirror-verdict.ts'
import { S3Error } from '../s3-server/errors.ts'
import type { WholeResponse } from '../storage/s3/http.ts'
import { handedBack } from './headers.ts'
import type { IntentKind } from './journal.ts'
import { Crowded } from './key-locks.ts'
import type { Side } from './side.ts'
import type { Answer, World } from './world.ts'

/** What became of a request to one side. */
export interface Outcome {
  readonly fate: Fate
  /** Null where there was none. */
  readonly response: WholeResponse | null
}

export interface Outcomes {
  readonly record: Outcome
  readonly follower: Outcome
}

/** It was never sent. */
export const unsent: Outcome = { fate: 'refused', response: null }

export interface Write {
  readonly record: Side
  readonly follower: Side
  /** Resolves when the intent is on the disk: before the first byte to either side. */
  readonly begun: Promise<unknown>
  /** Resolves when it is this write's turn at its keys, and at what it reads besides: before the last byte to either side. */
  turn(...besides: Key[]): Promise<void>
}

export type VerdictOf = (key: Key) => Pick<Verdict, 'key' | 'late'>

/** `of`: where the outcomes are not those of the whole, what became of each key. */
export async function writing<T extends Outcomes>(
  world: World,
  keys: readonly Key[],
  kind: IntentKind,
  act: (write: Write) => Promise<T>,
  of: (outcomes: T) => VerdictOf = ofAll,
): Promise<T> {
  const leave = await world.roles.enter()
  const begun = world.journal.begin(keys, kind).catch((error) => {
    throw new DrayError('io', 'write the journal', (error as Error).message, { retry: 'later', cause: error })
  })
  begun.catch(() => {})
  let release = () => {}
  let asked = false
  let settled: VerdictOf = () => ({ key: asked ? 'dirty' : 'as-it-was', late: asked })
  const turn = async (...besides: Key[]) => {
    release = await world.locks.take([...keys, ...besides])
    asked = true
  }
  try {
    const { record, follower } = world.roles
    const outcomes = await act({ record, follower, begun, turn })
    settled = of(outcomes)
    return outcomes
  } finally {
    await begun.then(
      (intent) => world.journal.end(intent, settled),
      () => {},
    )
    release()
    leave()
  }
}

const ofAll = ({ record, follower }: Outcomes): VerdictOf => {
  const { key, late } = verdict(record.fate, follower.fate)
  return () => ({ key, late })
}

/** `isDone` looks into answers of success that may be none. Never rejects. */
export async function outcomeOf(
  asking: Promise<WholeResponse>,
  isDone: (response: WholeResponse) => boolean = () => true,
): Promise<Outcome> {
  try {
    const response = await asking
    const fate = fateOf(response.status)
    return { fate: fate === 'done' && !isDone(response) ? 'unknown' : fate, response }
  } catch (error) {
    return { fate: neverSent(error) ? 'refused' : 'unknown', response: null }
  }
}

/** `isFirst`: the side of record, which alone is told of conditions. */
export type Ask = (side: Side, isFirst: boolean, signal: AbortSignal) => Promise<Outcome>

/** `inTurn`: the side of record first, and the other only where that has done it. */
export async function askBoth(
  world: World,
  { record, follower }: Pick<Write, 'record' | 'follower'>,
  ask: Ask,
  { inTurn = false, ms = world.patience.usual } = {},
): Promise<Outcomes> {
  const first = ask(record, true, world.signal)
  if (inTurn && (await first).fate !== 'done') return { record: await first, follower: unsent }
  const second = await outcomeOfFollower(world, follower, first, ask, ms)
  return { record: await first, follower: second }
}

/** An application does not wait for a side that is not there: past its time it is given up, and the key is dirty. */
async function outcomeOfFollower(
  { signal }: World,
  side: Side,
  record: Promise<Outcome>,
  ask: Ask,
  ms: number,
): Promise<Outcome> {
  if (!side.presence.mayBeAsked()) return unsent
  const patience = patienceFor(record, ms, signal)
  const outcome = await ask(side, false, patience.signal)
  patience.end()
  tellPresence(side, outcome)
  return outcome
}

export function tellPresence({ presence }: Side, outcome: Outcome): void {
  if (outcome === unsent) presence.leftOpen()
  else if (outcome.response) presence.met()
  else presence.missed()
}

/** Aborts so many milliseconds after the side of record has answered, unless it is ended before. */
export function patienceFor(
  record: Promise<unknown>,
  ms: number,
  outer: AbortSignal,
): { readonly signal: AbortSignal; end(): void } {
  const giveUp = new AbortController()
  const abort = () => giveUp.abort()
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  outer.addEventListener('abort', abort, { once: true })
  void record.then(() => {
    if (!isOver) timer = setTimeout(abort, ms)
  })
  return {
    signal: giveUp.signal,
    end() {
      isOver = true
      clearTimeout(timer)
      outer.removeEventListener('abort', abort)
    },
  }
}

/** Nothing took the connection. */
const neverSent = (error: unknown) =>
  error instanceof DrayError && error.code === 'unreachable' && error.retry !== 'now'

/** CompleteMultipartUpload and CopyObject may fail after they have begun to answer with success. */
export const isNoError = ({ body }: WholeResponse): boolean =>
  !/^\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/.test(body.toString('latin1', 0, 1_000))

/** The side of record says it; where it said nothing that can be passed on, the application is to try again. */
export function answerOf(world: World, side: Side, { response, fate }: Outcome): Answer {
  if (response === null) throw tryAgain()
  // An error inside of a 200: the SDKs try again where it is a 503.
  if (fate === 'unknown' && response.status < 300) throw tryAgain()
  return {
    status: response.status,
    headers: handedBack(response.head, side === world.roles.record),
    body: response.body,
  }
}

/** Every client tries again after this one. */
export const tryAgain = (): S3Error =>
  new S3Error({ status: 503, code: 'SlowDown' }, 'Please try again.', { headers: { 'retry-after': '1' } })

/** What the mirror itself cannot do now is never an error of its own: whoever asks comes again. */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error
  if (error instanceof Crowded || error instanceof DrayError) return tryAgain()
  throw error
}
