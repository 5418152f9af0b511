/** Whether one more thread would help: this one has no time left, and a core has. */
import { cpus } from 'node:os'
import { performance } from 'node:perf_hooks'

/** Milliseconds of one look, and looks in a row. */
const every = 1_000
const inARow = 2
/** Of this thread's time. */
const busy = 0.9
/** Cores that have nothing to do, over all of the machine. */
const idleCores = 0.5

/** To be told, at each look, what part of this thread's time was used since the last one, and how many cores had nothing to do. */
export function saturation(): (used: number, idle: number) => boolean {
  let times = 0
  return (used, idle) => {
    times = used >= busy && idle >= idleCores ? times + 1 : 0
    if (times < inARow) return false
    times = 0
    return true
  }
}

/** Calls `saturated` after each two seconds for which it was so. */
export function watchLoad(saturated: () => void): { stop(): void } {
  const isSaturated = saturation()
  let last = measure()
  const timer = setInterval(() => {
    const now = measure()
    const { utilization } = performance.eventLoopUtilization(now.loop, last.loop)
    const idle = (now.idle - last.idle) / (now.at - last.at)
    last = now
    if (isSaturated(utilization, idle)) saturated()
  }, every).unref()
  return { stop: () => clearInterval(timer) }
}

/** Times in milliseconds; `idle` is summed over all cores. */
const measure = () => ({
  at: performance.now(),
  loop: performance.eventLoopUtilization(),
  idle: cpus().reduce((sum, { times }) => sum + times.idle, 0),
})
