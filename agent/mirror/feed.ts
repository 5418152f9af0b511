/**
 * One body for two requests at once, at the pace of the slower. A feed ends only when it is told to: until then its store lacks the last
 * bytes (storage/s3/wire/sender.ts), and has nothing. One that breaks is left behind, and the other goes on.
 */
import { Readable } from 'node:stream'

/** Of each feed (bytes): what its socket has not taken yet. */
const most = 256 * 1024

export class Feed extends Readable {
  #ready: (() => void)[] = []

  constructor() {
    super({ highWaterMark: most })
    // It may break while nobody looks at it.
    this.on('error', () => {})
    this.on('close', () => this.#go())
  }

  /** Resolves when it takes more, or never will. */
  give(bytes: Buffer): Promise<void> | undefined {
    if (this.destroyed || this.push(bytes)) return
    return new Promise((resolve) => this.#ready.push(resolve))
  }

  /** The last bytes may go. `checksum`: of a framed body, its value. */
  finish(_checksum: string | null): void {
    if (!this.destroyed) this.push(null)
  }

  /** The request is broken off, and its store keeps nothing. */
  break(): void {
    this.destroy(new Error('given up'))
  }

  override _read(): void {
    this.#go()
  }

  #go(): void {
    for (const ready of this.#ready.splice(0)) ready()
  }
}

/** Resolves when both take more. One that only follows, and takes nothing for `ms` while the other does, is left behind. */
export function giveBoth(
  record: Feed,
  follower: Feed | null,
  bytes: Buffer,
  ms: number,
): Promise<void> | undefined {
  const first = record.give(bytes)
  const second = follower?.give(bytes)
  if (!follower || !second) return first
  return Promise.resolve(first).then(async () => {
    const timer = setTimeout(() => follower.break(), ms)
    await second
    clearTimeout(timer)
  })
}
