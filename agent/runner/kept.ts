/** The baseline of a pass: which one it is, where it is kept, and that it is up to date. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type DrayError, toDrayError } from '../../shared/error.ts'
import type { Location } from '../../shared/location.ts'
import type { Baseline } from '../baseline/baseline.ts'
import { sharedLeaves } from '../baseline/shared-leaves.ts'
import { parks } from '../core/decide.ts'
import { makeDirectory } from '../make-directory.ts'
import type { Welcome } from '../session/migration.ts'
import { fileError } from '../storage/file/file-error.ts'
import type { Storage } from '../storage/storage.ts'
import type { Workplace } from './pass.ts'

/** What was known of both sides when the pass before was done, by this agent or by all. */
export async function openKept(
  welcome: Welcome,
  { baselines, stateDir, thread, log }: Workplace,
  openTried: (location: Location) => Promise<Storage>,
): Promise<Baseline> {
  const { baseline: location, migration, pass } = welcome
  const pair = digestOf(pairOf(welcome))
  const name = location ? digestOf([pair, location]) : pair
  const warn = ({ code, message }: DrayError) =>
    log({ level: 'warn', event: 'baseline-not-read', migration, code, message })
  const openLeaves =
    location === undefined
      ? null
      : async () => {
          // It is Dray's own, and may be new.
          if (location.kind === 'file') make(location.path)
          return sharedLeaves(await openTried(location), pair)
        }
  const kept = await baselines.open(join(stateDir, 'agent', 'baseline', name), { openLeaves, warn })
  try {
    // The main thread learns for all of them.
    if (location && thread === undefined) await kept.refresh(Date.now())
  } catch (thrown) {
    // With less than is known, what is ours would be taken for somebody else's.
    if (parks(pass.options)) {
      await kept.close()
      throw thrown
    }
    warn(toDrayError(thrown, 'look for leaves'))
  }
  return kept
}

/** One for each pair of locations and way from keys to keys, whatever migrations there are between them. */
function pairOf({ source, destination, mapping, manifest, pass: { options } }: Welcome): unknown[] {
  if (mapping || manifest) return [source, destination, mapping, manifest]
  // A row of a whole chain is none of an object.
  return [source, destination, ...(options.versions === 'all' ? ['all versions'] : [])]
}

const digestOf = (named: unknown) =>
  createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 16)

function make(path: string): void {
  try {
    makeDirectory(path, [])
  } catch (cause) {
    throw fileError(cause, `make ${path}`)
  }
}
