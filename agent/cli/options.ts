/** Options that several commands have, and how their values are read. */
import { availableParallelism, totalmem } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { DeleteCap } from '../../shared/policy.ts'
import { leastBudget, usualBudget } from '../core/budget.ts'

export const common = (command: Command): Command =>
  command
    .allowExcessArguments(false)
    .option('--state-dir <directory>', 'where Dray keeps what it knows (or set DRAY_STATE_DIR)')

/** Of commands that ask a control plane (plane.ts). */
export const asking = (command: Command): Command =>
  common(command)
    .option(
      '--control-plane <url>',
      'ask this one (or set DRAY_CONTROL_PLANE), not that of the state directory',
    )
    .option('--workspace <id>', 'in this workspace (or set DRAY_WORKSPACE)')
    .option('--token <token>', 'a token for it; visible in `ps`, so rather:')
    .option('--token-file <file>', 'a file that holds the token (or set DRAY_TOKEN)')
    .option('--json', 'print one JSON object', false)

const mostConcurrency = 512

export const concurrency = (): Option =>
  new Option('--concurrency <number>', 'most objects in flight at once; auto: as many as the endpoints take')
    .argParser((text) => (text === 'auto' ? mostConcurrency : whole(1, 1_024)(text)))
    .default(mostConcurrency, 'auto')

export const memory = (): Option =>
  new Option('--memory <size>', 'most that work in flight may hold in memory, such as 512M or 2G')
    .argParser(size)
    .default(usualBudget(process.constrainedMemory() || totalmem()), 'a quarter of the machine, 256M to 1G')

const mostThreads = 64

export const threads = (): Option =>
  new Option(
    '--threads <number>',
    'most threads that copy between two stores; auto: as a core is the limit, one a core',
  )
    .argParser((text) => (text === 'auto' ? availableParallelism() : whole(1, mostThreads)(text)))
    .default(availableParallelism(), 'auto')

function size(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,7})([kmg]?)(?:i?b)?$/i.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ')
  if (bytes >= leastBudget) return bytes
  throw new InvalidArgumentError(
    `It must be a size of at least ${leastBudget / 1024 ** 2}M, such as 512M or 2G.`,
  )
}

/** Of a migration. */
export const ofPass = (command: Command): Command =>
  command.addOption(
    new Option('--pass <number>', 'this one; the last one unless given').argParser(whole(1, 999_999_999)),
  )

/** One of a few words. */
export const choice = <const Word extends string>(
  flags: string,
  description: string,
  words: readonly Word[],
  usual: Word,
): Option => new Option(flags, description).choices(words).default(usual)

/** An option that can be given again and again. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** `90s`, `5m`, `1h`, `2d`; seconds where it says no unit. */
export const time = (flags: string, description: string, least: number, most: number): Option =>
  new Option(flags, description).argParser((text) => {
    const [, digits, unit = 's'] = /^(\d{1,7})([smhd]?)$/.exec(text) ?? []
    const seconds = Number(digits) * { s: 1, m: 60, h: 3_600, d: 86_400 }[unit || 's']!
    if (seconds >= least && seconds <= most) return seconds
    throw new InvalidArgumentError(
      `It must be a time such as 90s, 5m, 1h or 2d, from ${least} s to ${most / 86_400} d.`,
    )
  })

/** A share of objects, above nothing: `1%`, `0.5%` or `0.01`. */
export function share(text: string): number {
  const [, digits, percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? []
  const value = Number(digits ?? Number.NaN) / (percent ? 100 : 1)
  if (value > 0 && value <= 1) return value
  throw new InvalidArgumentError('It must be a share, such as 5% or 0.05.')
}

/** How many deletes a pass makes without asking: so many objects, or a share of those at the destination. */
export function deleteCap(text: string): DeleteCap {
  const [, digits = '', percent] = /^(\d{1,9}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? []
  const value = digits === '' ? Number.NaN : Number(digits)
  if (percent && value <= 100) return { objects: null, share: value / 100 }
  if (!percent && Number.isInteger(value)) return { objects: value, share: null }
  throw new InvalidArgumentError('It must be a number of objects, such as 500, or a share, such as 10%.')
}
