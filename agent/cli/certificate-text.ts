/** What `dray verify-certificate` has to say, in words: what a certificate proves, and what it does not. Pure. */

import { type Evidence, evidenceClasses } from '../../shared/counts.ts'
import { visible } from '../../shared/key.ts'
import type { Statement } from '../../shared/ledger.ts'
import type { Checked } from '../certificate/check.ts'
import { where } from '../certificate/check.ts'
import { isOneWay } from '../certificate/policy.ts'
import type { Difference } from '../certificate/side.ts'
import { count, percent, plural } from './figures.ts'

export interface Against {
  readonly place: string
  readonly side: 'source' | 'destination'
  /** How many ranges; the first of them are `differences`. */
  readonly differing: number
  readonly differences: readonly Difference[]
  readonly objects: number
  /** Objects that are only there counted for nothing in the verification, and are in its listing now. */
  readonly mayHaveMore: boolean
}

export interface Found extends Checked {
  /** Whether the key was given, and so is the control plane's for whoever gave it. */
  readonly isKnown: boolean
  readonly against: Against | null
}

export function toJson({ statement, problems, leaves, isKnown, against }: Found): string {
  const { workspace, migration, pass, root, startedAt, endedAt, issuedAt, counts, sample, exceptions } =
    statement
  return JSON.stringify({
    holds: problems.length === 0 && !against?.differing,
    problems,
    ...{ workspace, migration, pass, root, leaves, startedAt, endedAt, issuedAt },
    key: { key: statement.key, isKnown },
    ...{ counts, sample, exceptions: exceptions.named.length + exceptions.left },
    against: against && {
      ...{ place: against.place, side: against.side, objects: against.objects },
      ...{ differing: against.differing, differences: against.differences },
    },
  })
}

const proofs: Readonly<Record<Evidence, string>> = {
  'size+mtime': 'sizes and times of modification are equal',
  baseline: 'both sides were unchanged since they were last proved equal',
  etag: 'the ETags that both stores worked out are equal',
  'store-verified': 'the store checked the digest when it took the body',
  hashed: 'one side was read, and its digest is the other’s ETag or checksum',
  'full-read': 'both sides were read, byte by byte',
}

export function toText(found: Found): string {
  const { statement, problems, against } = found
  const lines = [
    headline(found),
    ...problems.map((problem) => `  ${problem}`),
    ...(against ? againstLines(against, found) : []),
    '',
    ...figures(found),
    '',
    'What it says:',
    ...claims(statement).map((line) => `  ${line}`),
    'What it does not say:',
    ...limits(found).map((line) => `  ${line}`),
  ]
  return visible(`${lines.join('\n')}\n`)
}

function headline({ problems, against }: Found): string {
  if (problems.length > 0) return 'Does not hold.'
  if (against?.differing)
    return 'Does not hold any more: it is as it was signed, and what is there now is not.'
  return 'Holds: nothing in this certificate was changed since it was signed.'
}

const mostRanges = 10

function againstLines(
  { place, side, differing, differences, objects, mayHaveMore }: Against,
  { leaves }: Found,
): string[] {
  const at = `${place}, its ${side}`
  if (differing === 0)
    return [
      `  What is listed at ${at}, is what was certified: ${plural(objects, 'object')} in ${plural(leaves, 'range')}.`,
    ]
  return [
    `  What is listed at ${at}, is not what was certified, in ${plural(differing, 'range')} of ${count(leaves)}:`,
    ...differences.slice(0, mostRanges).map((range) => `    ${where(range)}: ${numbers(range)}`),
    ...(differing > mostRanges ? [`    and ${count(differing - mostRanges)} more`] : []),
    ...(mayHaveMore
      ? [
          '    The verification did not mind objects that are only there; a listing has them too, and they may be all of it.',
        ]
      : []),
  ]
}

const numbers = ({ certified, listed }: Difference) =>
  certified === listed
    ? `${plural(listed, 'object')}, other ones`
    : `${count(certified)} were certified, ${count(listed)} are there`

function figures({ statement, leaves, isKnown }: Found): string[] {
  const { workspace, migration, pass, source, destination, startedAt, endedAt, issuedAt, agents } = statement
  const rows: [string, string][] = [
    ['of', `pass ${pass} of ${migration}, in the workspace ${workspace}`],
    ['sides', `${source} → ${destination}`],
    ['verified', `${at(startedAt)} to ${at(endedAt)}`],
    ['signed', `${at(issuedAt)}, by the control plane of the key ${statement.key}`],
    ['', isKnown ? 'as it was given' : 'which nobody has vouched for: give --key or --control-plane'],
    ['root', statement.root],
    [
      'leaves',
      `${count(leaves)}, sealed by ${agents.map(({ agent, leaves }) => `${agent} (${count(leaves)})`).join(', ')}`,
    ],
  ]
  return rows.map(([name, value]) => `  ${name.padEnd(9)}${value}`)
}

const at = (ms: number) => new Date(ms).toISOString()

function claims({ counts, sample, exceptions }: Statement): string[] {
  const { listed, same, skipped, vanished } = counts.objects
  const shown = exceptions.named.slice(0, mostRanges)
  const more = exceptions.named.length + exceptions.left - shown.length
  return [
    `Of ${plural(listed, 'object')}, ${count(same)} were equal on both sides:`,
    ...evidenceClasses.toReversed().flatMap((name) => {
      const n = counts.evidence[name] ?? 0
      return n === 0 ? [] : [`  ${count(n)} ${name}: ${proofs[name]}`]
    }),
    ...(skipped > 0
      ? [`${count(skipped)} of them left out, and not proved: links, devices, archived ones.`]
      : []),
    ...(vanished > 0 ? [`${count(vanished)} of them went away at the source while it was listed.`] : []),
    ...shown.map(
      ({ key, code, waivedBy, reason }) => `But for ${key} (${code}), which ${waivedBy} waived: ${reason}`,
    ),
    ...(more > 0 ? [`and ${count(more)} more that were waived`] : []),
    ...(sample
      ? [
          `${count(sample.read)} of ${count(sample.of)}, chosen at random, were read in full, and none differed: with ${Math.round(sample.confidence * 100)} % confidence`,
          `fewer than ${percent(sample.below)} of all do.`,
        ]
      : []),
  ]
}

function limits({ statement, compared, against }: Found): string[] {
  const { counts, endedAt } = statement
  const weak = (counts.evidence['size+mtime'] ?? 0) + (counts.evidence.baseline ?? 0)
  return [
    `Anything of what was written after ${at(endedAt)}${against ? '' : '; --against lists a side as it is now'}.`,
    ...(weak > 0
      ? [
          `That the contents of ${plural(weak, 'object')} were looked at: times or earlier proofs stand for them.`,
        ]
      : []),
    ...(compared && isOneWay(compared) ? ['What else is at the destination.'] : []),
    'That those who had the keys of its agents and of its control plane were honest.',
  ]
}
