/**
 * Calls of the system that may never come back: those to a mount whose server is gone. The thread that made one stays where it
 * is, and nothing can get it back; but whoever waits for it learns after a while that there is no answer. One timer looks
 * after all of them.
 */
interface Waiting {
  /** By `performance.now()`. */
  readonly until: number
  fail(error: Error): void
}

/** Longest that a call may take, in milliseconds. A sync may have all of a large file to bring to a slow disk. */
export const patience = { usual: 120_000, sync: 900_000 }

const lookEvery = 1_000
const waiting = new Set<Waiting>()
let timer: NodeJS.Timeout | null = null

function look(): void {
  const now = performance.now()
  for (const each of waiting) {
    if (now < each.until) continue
    waiting.delete(each)
    each.fail(Object.assign(new Error('no answer from the file system'), { code: 'ETIMEDOUT' }))
  }
  if (waiting.size > 0 || timer === null) return
  clearInterval(timer)
  timer = null
}

/** `call`, which fails with ETIMEDOUT after `ms`. What it brings after that goes to `late`. */
export function inTime<A extends unknown[], R>(
  call: (...args: A) => Promise<R>,
  ms: number = patience.usual,
  late: (result: R) => void = () => {},
): (...args: A) => Promise<R> {
  return (...args) =>
    new Promise((resolve, reject) => {
      const one: Waiting = { until: performance.now() + ms, fail: reject }
      waiting.add(one)
      timer ??= setInterval(look, Math.min(lookEvery, ms)).unref()
      call(...args).then(
        (result) => {
          if (waiting.delete(one)) resolve(result)
          else late(result)
        },
        (error) => {
          waiting.delete(one)
          reject(error)
        },
      )
    })
}
