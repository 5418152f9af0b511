/** What moving all versions asks of the two places, before any of it is done. */
import { DrayError } from '../shared/error.ts'
import type { PassOptions } from '../shared/policy.ts'
import type { Storage } from './storage/storage.ts'

/** Throws `usage` where a side keeps no versions at all, and `config` where the destination's bucket does not keep them now. */
export async function requireVersions(
  options: PassOptions,
  source: Storage,
  destination: Storage,
  signal: AbortSignal,
): Promise<void> {
  if (options.versions === 'newest') return
  const op = 'look for versions'
  if (options.direction === 'back' || options.conflicts === 'park') {
    const why =
      'nothing of a chain of versions is written over, so there are no conflicts to be told and no way back.'
    throw new DrayError('usage', op, `--versions all: ${why}`, { hint: 'Leave --versions out.' })
  }
  for (const [side, { versions, name, kind }] of Object.entries({ source, destination })) {
    if (versions) continue
    const why =
      kind === 'file' ? 'is a directory, and files have no versions' : 'has no versions that Dray can move'
    throw new DrayError('usage', op, `--versions all: the ${side} ${name} ${why}.`, {
      hint: 'Choose two buckets without a mapping of keys, or leave --versions out.',
    })
  }
  if (options.kind === 'verify') return
  const state = await destination.versions!.state(signal)
  if (state === 'enabled') return
  const what = state === 'suspended' ? 'is suspended' : 'is off'
  throw new DrayError(
    'config',
    op,
    `--versions all: versioning ${what} for the destination ${destination.name}.`,
    {
      hint: 'Enable it (aws s3api put-bucket-versioning --versioning-configuration Status=Enabled), or leave --versions out.',
    },
  )
}
