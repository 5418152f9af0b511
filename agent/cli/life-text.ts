/** The life of a migration in words, with the commands that can be given now. */

import type { Check, Follow, LifeCommand, LifeView } from '../../shared/life.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { count, duration, plural } from './figures.ts'

/** Of a migration. */
export interface Sides {
  id: string
  source: Location
  destination: Location
}

const marks: Record<Check['state'], string> = {
  waiting: '[ ]',
  doing: '[.]',
  asks: '[?]',
  done: '[x]',
  waived: '[~]',
  failed: '[!]',
}

/** Of a cut-over, or of the way back. */
export const moveOf = ({ direction }: LifeView): { name: string; left: 'source' | 'destination' } =>
  direction === 'forward' ? { name: 'cut-over', left: 'source' } : { name: 'roll-back', left: 'destination' }

/** Where the application writes as long as nobody has switched, and where it is to go. */
export function placesOf(sides: Sides, life: LifeView): { left: string; to: string } {
  const [source, destination] = [formatLocation(sides.source), formatLocation(sides.destination)]
  return life.direction === 'forward' ? { left: source, to: destination } : { left: destination, to: source }
}

export function stateText(sides: Sides, life: LifeView): string {
  const { left, to } = placesOf(sides, life)
  const words: Record<LifeView['state'], string> = {
    draft: 'nothing has begun',
    surveying: 'the first pass finds out what there is',
    backfilling: 'the first pass copies what there is',
    following: `${to} is kept up to date with ${left}`,
    verifying: `the checklist of a ${moveOf(life).name} is worked through`,
    ready: `the checklist holds: move the application to ${to}, then say so`,
    'cut-over': `the application uses ${formatLocation(sides.destination)}, and ${formatLocation(sides.source)} follows it`,
    'rolled-back': `the application uses ${formatLocation(sides.source)} again`,
    closed: 'nothing follows any more, for good',
    cancelled: 'somebody stopped it; it can be started again',
  }
  return `${life.state}: ${words[life.state]}`
}

export function lagText({ age, of, provenAt, events }: LifeView['lag']): string {
  if (age === null) return 'not known before the first pass is done'
  const what = {
    nothing: 'no difference is known',
    event: 'the oldest change that was told of and is not there yet',
    pass: 'the oldest difference that the running pass has found and not made good yet',
    failure: 'the oldest object that failed',
  }[of]
  const waiting = events > 0 ? `; ${plural(events, 'change')} under way` : ''
  const proven = provenAt === null ? '' : `; all that was written before ${when(provenAt)} is there`
  return `${duration(age / 1000)} (${what})${waiting}${proven}`
}

/** `in 34 s: The next pass that follows.`; `now`: ms. */
export function nextText({ at, what }: NonNullable<LifeView['next']>, now: number): string {
  if (at === null) return what
  return `${at <= now ? 'now' : `in ${duration(Math.ceil((at - now) / 1000))}`}: ${what}`
}

export const checkText = ({ step, state, message }: Check): string =>
  `${marks[state]} ${step.padEnd(13)}${message}`

/** Of times past and to come. */
export const when = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** `now`: ms. */
export function lifeText(sides: Sides, life: LifeView, now: number): string {
  const { paused, next, pass, certificate, checks, deletes } = life
  const row = (name: string, value: string) => `${name.padEnd(13)}${value}\n`
  const head =
    row('migration', `${sides.id}: ${formatLocation(sides.source)} → ${formatLocation(sides.destination)}`) +
    row('state', stateText(sides, life)) +
    row('since', `${when(life.since)} (${duration(Math.max(0, Math.round((now - life.since) / 1000)))})`) +
    (paused ? row('paused', `by ${paused.by}, ${when(paused.since)}`) : '') +
    row('lag', lagText(life.lag)) +
    (pass === null ? '' : row('pass', String(pass))) +
    (next ? row('next', nextText(next, now)) : '') +
    (deletes
      ? row(
          'asks',
          `pass ${deletes.pass} would delete ${count(deletes.objects)} of ${plural(deletes.of, 'object')}, which is more than its cap`,
        )
      : '') +
    (certificate
      ? row(
          'certificate',
          `pass ${certificate.pass}, ${when(certificate.issuedAt)}, root ${certificate.root}`,
        )
      : '')
  const list =
    checks.length === 0
      ? ''
      : `\nChecklist of the ${moveOf(life).name}:\n${checks.map((check) => `  ${checkText(check)}\n`).join('')}`
  const commands = commandsText(sides.id, life)
  return head + list + (commands === '' ? '' : `\nWhat can be done now:\n${commands}`)
}

/** A line each; empty where nothing can be. */
export function commandsText(id: string, life: LifeView): string {
  const move = moveOf(life)
  const words: Record<LifeCommand, [command: string, what: string]> = {
    start: ['follow', 'backfill, then follow'],
    pause: ['pause', 'begin nothing more, until it is resumed'],
    resume: ['resume', 'go on'],
    cancel: ['cancel', 'stop it; what was copied stays'],
    verify: ['verify', 'compare both sides now'],
    'cut-over': ['cut-over', 'begin the checklist that ends with the application at the destination'],
    abandon: [
      'abandon',
      `leave the checklist, and follow as before; the application stays at the ${move.left}`,
    ],
    switch: ['switch', 'say that the application uses the other side from now on'],
    'roll-back': ['roll-back', 'begin the way back'],
    close: ['close', 'stop following, for good'],
  }
  const lines = [
    ...life.checks.flatMap(({ step, state }): [string, string][] => answersOf(id, step, state)),
    ...(life.deletes
      ? ([
          [`deletes ${id} --allow ${life.deletes.objects}`, 'delete them'],
          [`deletes ${id} --leave`, 'delete none of them in this pass'],
        ] as [string, string][])
      : []),
    ...life.commands.map((command): [string, string] => [`${words[command][0]} ${id}`, words[command][1]]),
  ]
  const width = Math.max(0, ...lines.map(([command]) => command.length))
  return lines.map(([command, what]) => `  dray migration ${command.padEnd(width)}  ${what}\n`).join('')
}

function answersOf(id: string, step: Check['step'], state: Check['state']): [string, string][] {
  if (state !== 'asks' && state !== 'failed') return []
  const of = `step ${id} ${step}`
  if (step === 'freeze' && state === 'asks')
    return [[`${of} --declare`, 'say that nobody writes there any more']]
  // Its own command says it.
  if (step === 'switch') return []
  const retry: [string, string] = [`${of} --retry`, 'look again']
  if (step === 'failures') return [[`failures ${id} --causes`, 'see what failed; retry or waive it'], retry]
  return step === 'uploads' ? [retry, [`${of} --waive 'REASON'`, 'let them be']] : [retry]
}

/** `pause 10 s to 1 h, lag 5 min, …`. */
export function followText({
  pauseAtLeast,
  pauseAtMost,
  lag,
  quiet,
  depth,
  sample,
  events,
  baseline,
}: Follow): string {
  const parts = [
    `pause ${duration(pauseAtLeast)} to ${duration(pauseAtMost)}`,
    `lag ${duration(lag)}`,
    `quiet ${duration(quiet)}`,
    `verify ${depth}`,
    ...(sample === null ? [] : [`sample ${+(100 * sample).toFixed(4)} %`]),
    ...events.map((event) => `events ${event.kind === 'sqs' ? `sqs:${event.queue}` : event.kind}`),
    ...(baseline === null ? [] : [`baseline ${formatLocation(baseline)}`]),
  ]
  return parts.join(', ')
}
