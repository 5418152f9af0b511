/** Whether one more thread would help: this one has no time left, and a core has. */
import { cpus } from 'node:os'
import { performance } from 'node:perf_hooks'

/** Milliseconds of one look, and looks in a row. */
const every = 1_000
const inARow = 2
/** Of the main thread's time. */
const busy = 0.9
/** Cores that have nothing to do, over all of the machine. */
const idleCores = 0.5

/** Calls `saturated` after each two seconds for which it was so. */
export function watchLoad(saturated: () => void): { stop(): void } {
  let loop = performance.eventLoopUtilization()
  let idle = idleTime()
  let since = performance.now()
  let times = 0
  const timer = setInterval(() => {
    const { utilization } = performance.eventLoopUtilization(loop)
    const now = { loop: performance.eventLoopUtilization(), idle: idleTime(), since: performance.now() }
    const spare = (now.idle - idle) / (now.since - since)
    ;({ loop, idle, since } = now)
    times = utilization >= busy && spare >= idleCores ? times + 1 : 0
    if (times < inARow) return
    times = 0
    saturated()
  }, every).unref()
  return { stop: () => clearInterval(timer) }
}

/** Milliseconds, summed over all cores. */
const idleTime = () => cpus().reduce((sum, { times }) => sum + times.idle, 0)
