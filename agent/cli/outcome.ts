/** What a finished `dray copy` or `dray verify` has to say: for people, and with --json for programs. Pure. */
import type { Failure } from '../../shared/api/failures.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { evidenceClasses } from '../../shared/counts.ts'
import type { ErrorBody, ErrorCode } from '../../shared/error.ts'
import { displayKey, keyFromText, unescapeKey, visible } from '../../shared/key.ts'
import { sampleBound, sampleConfidence } from '../../shared/ledger.ts'
import { bytes, count, duration, percent, plural } from './figures.ts'

export interface Outcome {
  readonly migration: string
  /** As people wrote them. */
  readonly source: string
  readonly destination: string
  readonly status: PassStatus
  /** Why the command gave up before the pass was over, if it did. */
  readonly gaveUp: ErrorBody | null
  /** Of this command. */
  readonly seconds: number
  /** Path of the report; null where it was not fetched. */
  readonly report: string | null
  /** Some of the failures: enough for a few examples of each cause. */
  /** Objects that are only at the destination, and are more than may be deleted without asking: all of them stayed. */
  readonly left?: number
  readonly failures: readonly Pick<Failure, 'key' | 'keyEscaped' | 'code' | 'message' | 'bytes'>[]
}

export const stateOf = ({ status, gaveUp, left = 0 }: Outcome): 'complete' | 'incomplete' =>
  status.state === 'complete' && gaveUp === null && left === 0 ? 'complete' : 'incomplete'

/** One line; exactly these members. */
export function toJson(outcome: Outcome): string {
  const { status } = outcome
  const { listed, same, copied, skipped, vanished, failed, deleted, extra } = status.counts.objects
  const { kind, dryRun } = status.options
  return JSON.stringify({
    migration: outcome.migration,
    pass: status.number,
    state: stateOf(outcome),
    ...(dryRun ? { dryRun: true } : {}),
    objects: {
      ...{ listed, same, copied, skipped, vanished, failed, deleted },
      ...(kind === 'verify' ? { extra } : {}),
      ...(outcome.left ? { left: outcome.left } : {}),
    },
    bytes: { listed: status.counts.bytes.listed, copied: status.counts.bytes.copied },
    evidence: status.counts.evidence,
    ...(status.sampled !== undefined && { sampled: status.sampled }),
    ...(hasDropped(status) ? { dropped: status.counts.dropped } : {}),
    packets: packetsOf(status),
    seconds: Math.round(outcome.seconds * 1000) / 1000,
    report: outcome.report,
  })
}

const hasDropped = ({ counts }: PassStatus): boolean => Object.keys(counts.dropped).length > 0

/** `tags of 3 objects, user metadata of 1`. */
export function droppedText({ counts }: PassStatus): string {
  return Object.entries(counts.dropped)
    .map(([name, n], i) => `${name.replace('-', ' ')} of ${i === 0 ? plural(n, 'object') : count(n)}`)
    .join(', ')
}

export function packetsOf({ packets }: PassStatus): number {
  return packets.ready + packets.leased + packets.done + packets.parked
}

/** What can be done about each cause. */
type Hints = Readonly<Record<ErrorCode, string>>

export function toText(outcome: Outcome, hints: Hints): string {
  const lines = [headline(outcome), '', ...figures(outcome)]
  const trouble = [...failureLines(outcome, hints), ...packetLines(outcome, hints), ...leftLines(outcome)]
  if (trouble.length > 0) lines.push('', ...trouble)
  return visible(`${lines.join('\n')}\n`)
}

function headline(outcome: Outcome): string {
  const { status, source, destination } = outcome
  const { listed, copied, skipped, failed, deleted, extra } = status.counts.objects
  const left = [
    ...(skipped ? [`${count(skipped)} skipped`] : []),
    ...(status.waived ? [`${count(status.waived)} waived`] : []),
  ]
  const but = left.length === 0 ? '' : `, but for ${left.join(' and ')}`
  const { kind, dryRun } = status.options
  const complete = stateOf(outcome) === 'complete'
  if (status.retries !== undefined) {
    if (complete) return `Complete: nothing of what had failed is open any more${but}.`
    return `Incomplete: of what had failed, ${plural(status.open, 'object')} ${status.open === 1 ? 'is' : 'are'} still open.`
  }
  if (kind === 'verify') {
    if (complete && listed === 0) return `Verified: there is nothing in ${source} to compare.`
    if (complete) return `Verified: everything in ${source} is in ${destination}${but}.`
    if (failed + extra > 0) return `Different: ${source} and ${destination} are not equal.`
    return 'Not verified: some of it could not be compared.'
  }
  if (dryRun) {
    return complete
      ? `Dry run: nothing was changed. A copy of ${source} to ${destination} would do this.`
      : 'Dry run: nothing was changed. Not everything could be copied.'
  }
  if (outcome.left && status.state === 'complete')
    return `Incomplete: everything in ${source} is in ${destination}, but nothing was deleted there.`
  if (!complete) return `Incomplete: not everything in ${source} is in ${destination}.`
  if (listed === 0) return `Complete: there is nothing in ${source} to copy.`
  if (copied === 0 && deleted === 0) {
    return `Complete: everything in ${source} was in ${destination} already${but}. Nothing was copied.`
  }
  return `Complete: everything in ${source} is in ${destination}${but}.`
}

function figures({ migration, status, seconds, report }: Outcome): string[] {
  const { objects, bytes: moved } = status.counts
  const verify = status.options.kind === 'verify'
  const would = status.options.dryRun ? 'to copy' : 'copied'
  const parts = [
    `${count(objects.same)} same`,
    ...(verify ? [] : [`${count(objects.copied)} ${would}`]),
    ...(objects.skipped ? [`${count(objects.skipped)} skipped`] : []),
    ...(objects.vanished ? [`${count(objects.vanished)} vanished`] : []),
    `${count(objects.failed)} ${verify ? 'different' : 'failed'}`,
  ]
  const rows: [string, string][] = [
    ['objects', `${count(objects.listed)} listed = ${parts.join(' + ')}`],
    ['bytes', `${bytes(moved.listed)} listed${verify ? '' : `, ${bytes(moved.copied)} ${would}`}`],
  ]
  const proofs = evidenceClasses.flatMap((name) => {
    const n = status.counts.evidence[name] ?? 0
    return n === 0 ? [] : [`${count(n)} ${name}`]
  })
  if (proofs.length > 0) rows.push(['proved', proofs.join(', ')])
  if (status.sampled !== undefined) rows.push(['sample', sampleText(status)])
  if (objects.deleted) {
    rows.push([
      'deleted',
      `${count(objects.deleted)}${status.options.dryRun ? ' to delete' : ''} at the destination`,
    ])
  }
  if (objects.extra) rows.push(['extra', `${count(objects.extra)} only at the destination`])
  if (hasDropped(status)) rows.push(['dropped', `${droppedText(status)}: not at the destination`])
  rows.push(
    ['packets', count(packetsOf(status))],
    ['time', duration(seconds)],
    ['report', report ?? `dray migration report ${migration} --pass ${status.number}`],
  )
  return rows.map(([name, value]) => `  ${name.padEnd(9)}${value}`)
}

/** What a sample says of all: only where nothing of what was compared differed. */
function sampleText({ counts, sampled = 0, state }: PassStatus): string {
  const read = `${count(sampled)} of ${count(counts.objects.same)} read in full, chosen at random`
  if (state !== 'complete' || sampled === 0) return read
  const below = sampleBound(sampled, counts.objects.same)
  if (below === 0) return `${read}: all of them`
  return `${read}, none differs: with ${Math.round(sampleConfidence * 100)} % confidence fewer than ${percent(below)} of all do`
}

/** By cause: how many, a few of their names, and what can be done. */
function failureLines({ status, failures }: Outcome, hints: Hints): string[] {
  return status.failureCauses.flatMap(({ code, objects, message }) => {
    const examples = failures.filter((failure) => failure.code === code).slice(0, 3)
    const more = objects - examples.length
    // Said once where it is the same for all, else beside each name.
    const alike = examples.every((example) => example.message === examples[0]?.message)
    return [
      `  ${plural(objects, 'object')}: ${code}.${alike ? ` ${sentence(examples[0]?.message ?? message)}` : ''}`,
      ...examples.map((example) => `    ${nameOf(example)}${alike ? '' : `: ${sentence(example.message)}`}`),
      ...(more > 0 && examples.length > 0 ? [`    and ${count(more)} more, in the report`] : []),
      `    → ${hints[code]}`,
    ]
  })
}

/** Ranges that nobody could list: what is in them is not even counted. */
function packetLines({ status, gaveUp }: Outcome, hints: Hints): string[] {
  const lines: string[] = []
  const told = new Set<string>()
  for (const { error, packets, parked } of status.errors) {
    if (parked === 0 && gaveUp === null) continue
    const what =
      parked > 0
        ? `${plural(parked, 'packet')} could not be worked on, and what is in ${parked === 1 ? 'it' : 'them'} is not counted`
        : `${plural(packets, 'packet')} failed so far`
    lines.push(`  ${what}: ${sentence(error.message)}`, `    → ${error.hint ?? hints[error.code]}`)
    told.add(error.code)
  }
  if (gaveUp && !told.has(gaveUp.code)) {
    lines.push(`  ${sentence(gaveUp.message)}`, `    → ${gaveUp.hint ?? hints[gaveUp.code]}`)
  }
  if (gaveUp) lines.push('  What is done is kept: the same command goes on from here.')
  return lines
}

function leftLines({ left = 0, destination }: Outcome): string[] {
  if (left === 0) return []
  return [
    `  ${plural(left, 'object')} only in ${destination}: more than --max-delete allows, so none of them was deleted.`,
    `    → Is SRC what it should be? What would go says the same command with --dry-run. To delete them: --max-delete ${left}`,
  ]
}

export const nameOf = ({ key, keyEscaped }: Pick<Failure, 'key' | 'keyEscaped'>): string =>
  displayKey(keyEscaped === undefined ? keyFromText(key) : unescapeKey(keyEscaped)) || '(the folder itself)'

const sentence = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  const begin = /^\w+:\/\//.test(line) ? line.charAt(0) : line.charAt(0).toUpperCase()
  return `${begin}${line.slice(1)}${/[.!?]$/.test(line) ? '' : '.'}`
}
