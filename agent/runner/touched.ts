/**
 * An object whose content is equal on both sides, while its source was written after it was copied: other metadata, perhaps.
 * Both sides are asked, once; the row that is left in the baseline says that it was done.
 */
import { type BaselineRow, baselineRow, sideOf } from '../baseline/baseline.ts'
import { CopyJob } from '../copy-job.ts'
import { copyWithin } from '../copy-within.ts'
import type { Decision } from '../core/decide.ts'
import { isEqualBesides } from '../core/same-metadata.ts'
import type { Metadata } from '../storage/storage.ts'
import type { Pass } from './pass.ts'

export type Touched = Extract<Decision, { is: 'touched' }>

export type Settled =
  | { is: 'same'; row: BaselineRow }
  /** It got the metadata that it is to have; no byte of it was moved. */
  | { is: 'carried'; row: BaselineRow }
  /** It is to be copied: it has other metadata, or either side is no longer what was listed. */
  | { is: 'differs' }

export async function settleTouched(pass: Pass, touched: Touched, signal: AbortSignal): Promise<Settled> {
  const { source, destination, fidelity, options } = pass
  const { key } = touched.source
  const [from, to] = await Promise.all([source.head(key, signal), destination.head(key, signal)])
  if (from?.entry.token !== touched.source.token || to?.entry.token !== touched.destination.token)
    return { is: 'differs' }
  const wanted = await fidelity.carry(from, signal)
  const asked = { tags: options.fidelity.tags === 'keep', acl: options.fidelity.acl === 'keep' }
  const found = (await destination.describe?.(to, asked, signal)) ?? to.metadata
  if (isEqualBesides(wanted, found)) {
    // What it loses was told when it was copied.
    fidelity.lossesOf(key)
    return { is: 'same', row: baselineRow(touched.source, touched.destination, touched.evidence) }
  }
  if (options.dryRun) return { is: 'differs' }
  const row = await writeOverItself(pass, touched, wanted, signal)
  return row === null ? { is: 'differs' } : { is: 'carried', row }
}

/** The destination's store copies its object onto itself, with other metadata; null where it cannot. */
async function writeOverItself(
  { destination, fidelity, options }: Pass,
  { source, destination: entry, evidence }: Touched,
  wanted: Metadata,
  signal: AbortSignal,
): Promise<BaselineRow | null> {
  const deps = {
    source: destination,
    destination,
    fidelity: { carry: async () => wanted, seal: fidelity.seal },
    expected: entry.token,
    serverSide: options.serverSideCopy === 'auto',
    moved() {},
  }
  const copied = await copyWithin(new CopyJob(deps, entry, null, signal))
  if (copied === null) return null
  const { token, mtime } = copied.written
  return {
    key: source.key,
    source: sideOf(source),
    destination: { token, size: entry.size, mtime },
    evidence,
  }
}
