/** When a cron expression is due, by the clocks on the wall of a zone. Pure: the caller brings the moment. */
import { Cron } from 'croner'

/** Ms since the epoch of the next `count` times after `after`; fewer where there are no more. Throws `SyntaxError` where it is no expression. */
export function nextTimes(cron: string, zone: string, after: number, count: number): number[] {
  const pattern = patternOf(cron, zone)
  const times: number[] = []
  let at: Date | null = new Date(after)
  while (times.length < count) {
    at = pattern.nextRun(at)
    if (at === null) break
    times.push(at.getTime())
  }
  return times
}

export const nextTime = (cron: string, zone: string, after: number): number | null =>
  nextTimes(cron, zone, after, 1)[0] ?? null

function patternOf(cron: string, timezone: string): Cron {
  try {
    return new Cron(cron.trim(), { timezone, mode: '5-part', paused: true })
  } catch (error) {
    throw new SyntaxError((error as Error).message.replace(/^Cron\w+: /, ''))
  }
}
