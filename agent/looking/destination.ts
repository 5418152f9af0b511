/** What can be known of a destination before a pass: that it can be written, what it does not do, what is there already, and its clock. */
import type { CheckResult, ConnectionTest } from '../../shared/connection-test.ts'
import { DrayError } from '../../shared/error.ts'
import type { Finding } from '../../shared/finding.ts'
import type { FileLocation } from '../../shared/location.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { everything } from '../../shared/range.ts'
import type { Storage } from '../storage/storage.ts'
import { makeWritable } from './directory.ts'
import { found } from './findings.ts'
import { clock } from './source.ts'

const write = { kind: 'write', side: 'destination' } as const
const capabilities = { kind: 'capabilities', side: 'destination' } as const
const first = 1_000

/** A file is made there and removed, and so are directories that were made for it. */
export function tryDirectory({ path }: FileLocation): Finding[] {
  const undo = makeWritable(path)
  undo()
  return [found(write, 'good', `Files can be written to ${path}, and deleted.`)]
}

/** What a real try told (s3/try-connection.ts). */
export function triedBucket(
  { checks, skewMs }: ConnectionTest,
  name: string,
  options: PassOptions,
): Finding[] {
  const of = (names: readonly CheckResult['check'][]) =>
    checks.filter(({ check, outcome }) => outcome === 'no' && names.includes(check))
  const [needed] = of(['credential', 'list', 'write', 'multipart'])
  const [deletes] = of(['delete'])
  const findings: Finding[] = []
  if (needed) findings.push(failing(write, needed, needed.code === 'interrupted' ? 'unknown' : 'stops'))
  else if (deletes) findings.push(failing(write, deletes, options.delete ? 'stops' : 'warns'))
  else
    findings.push(found(write, 'good', `${name} can be written, in parts too, and what was written deleted.`))
  const lacking = of([
    ...(options.fidelity.tags === 'keep' ? (['tags'] as const) : []),
    'conditional-writes',
    'checksums',
  ])
  for (const each of lacking) {
    findings.push(failing(capabilities, each, each.code === 'interrupted' ? 'unknown' : 'warns'))
  }
  if (skewMs !== null) findings.push(clock('destination', skewMs))
  return findings
}

const failing = (
  where: typeof write | typeof capabilities,
  check: CheckResult,
  outcome: Finding['outcome'],
) => found(where, outcome, check.message || `${check.check} does not work.`, check)

/** What is there already. */
export async function lookForClash(
  storage: Storage,
  options: PassOptions,
  signal: AbortSignal,
): Promise<Finding[]> {
  const where = { kind: 'clash', side: 'destination' } as const
  const objects = await countFirst(storage, signal)
  if (objects === 0) return [found(where, 'good', `Nothing is at ${storage.name} yet.`)]
  const many = objects >= first ? `At least ${first}` : objects
  const verb = objects === 1 ? 'object is' : 'objects are'
  const hint = options.delete
    ? 'What the source does not have is deleted there; what differs is replaced.'
    : 'What differs is replaced, what is equal is left alone, and so is what the source does not have.'
  return [found(where, 'warns', `${many} ${verb} at ${storage.name} already.`, { hint })]
}

/** A directory that is not there yet is made by the pass. */
async function countFirst(storage: Storage, signal: AbortSignal): Promise<number> {
  let objects = 0
  try {
    for await (const page of storage.list(everything, { signal })) {
      objects += page.length
      if (objects >= first) break
    }
  } catch (error) {
    const isNew = error instanceof DrayError && error.code === 'not-found' && storage.kind === 'file'
    if (!isNew) throw error
  }
  return objects
}
