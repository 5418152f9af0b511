import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type MemoryOp, memoryStorage } from '../../agent/storage/memory.ts'
import { isSpent, pauseAfter, withRetry } from '../../agent/storage/retry.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import type { Versions } from '../../agent/storage/versions.ts'
import { DrayError, type Retry } from '../../shared/error.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { everything } from '../../shared/range.ts'
import { bodyOf, bytesOf, failure, listAll, noMetadata, noSignal, patterned } from './contract.ts'

const key = keyFromText('k')
const error = (retry: Retry, code: DrayError['code'] = 'server-error', retryAfter: number | null = null) =>
  new DrayError(code, 'request', `an error to retry ${retry}`, { retry, retryAfter })

/** A memory storage that fails the requests of `op` with these errors, one after the other; pauses are written down. */
function failing(op: MemoryOp, errors: DrayError[], attempts = 4) {
  const memory = memoryStorage([['k', 'content']])
  const queue = [...errors]
  memory.faults.before = (asked) => {
    const next = asked === op ? queue.shift() : undefined
    if (next) throw next
  }
  const pauses: number[] = []
  const sleep = async (ms: number) => void pauses.push(ms)
  const storage = withRetry(memory, { attempts, sleep, random: () => 1 })
  return { memory, storage, pauses }
}

describe('a request', () => {
  it('that succeeds is made once', async () => {
    const { memory, storage, pauses } = failing('head', [])
    expect((await storage.head(key, noSignal))?.entry.size).toBe(7)
    expect([memory.requests.head, pauses]).toEqual([1, []])
  })

  it('is tried again at once where the error says now, and after a growing pause from then on', async () => {
    const { memory, storage, pauses } = failing('head', [error('now'), error('now'), error('now')])
    expect(await storage.head(key, noSignal)).not.toBeNull()
    expect([memory.requests.head, pauses]).toEqual([4, [0, 400, 800]])
  })

  it('is tried again after a growing pause where the error says later', async () => {
    const { storage, pauses } = failing('head', [error('later'), error('later'), error('later')])
    await storage.head(key, noSignal)
    expect(pauses).toEqual([200, 400, 800])
  })

  it('waits longer for a store that wants less, which is no failure of the request', async () => {
    const errors = Array.from({ length: 20 }, () => error('later', 'throttled'))
    const { memory, storage } = failing('head', errors)
    expect(await failure(storage.head(key, noSignal))).toBe(errors[11])
    expect(memory.requests.head).toBe(12)
  })

  it('is given up after as many attempts as were agreed, with its last error', async () => {
    const errors = [
      error('later'),
      error('now'),
      error('later'),
      error('later', 'unreachable'),
      error('later'),
    ]
    const { memory, storage } = failing('head', errors)
    expect(await failure(storage.head(key, noSignal))).toBe(errors[3])
    expect(memory.requests.head).toBe(4)
    expect(errors.map(isSpent)).toEqual([false, false, false, true, false])
  })

  it.each([
    ['says never', error('never', 'access-denied')],
    ['is a change, since the token stays the wrong one', error('later', 'changed')],
    ['is an interruption', error('later', 'interrupted')],
  ])('is not tried again where the error %s', async (_, first) => {
    const { memory, storage, pauses } = failing('head', [first])
    expect(await failure(storage.head(key, noSignal))).toBe(first)
    expect([memory.requests.head, pauses]).toEqual([1, []])
  })

  it('that makes a version is made once, since one whose answer was lost may have been taken', async () => {
    const { memory } = failing('write', [error('later', 'throttled'), error('now')])
    let markers = 0
    const versions = {
      state: async () => 'enabled',
      remove: async () => {
        markers++
        throw error('now')
      },
    } as unknown as Versions
    const storage = withRetry(Object.assign(memory, { versions }), { attempts: 4, writeOnce: true })
    await failure(storage.write(key, bodyOf('x'), noMetadata, noSignal))
    await failure(storage.versions!.remove(key, noSignal))
    expect([memory.requests.write, markers]).toEqual([1, 1])
  })

  it('that was retried enough inside is not retried outside', async () => {
    const { memory, storage } = failing(
      'head',
      Array.from({ length: 20 }, () => error('now')),
    )
    const outer = withRetry(storage, { attempts: 4, sleep: async () => {} })
    await failure(outer.head(key, noSignal))
    expect(memory.requests.head).toBe(4)
  })

  it('ends as interrupted at once when it is aborted in a pause', async () => {
    const memory = memoryStorage()
    memory.faults.before = () => {
      throw error('later', 'throttled', 50_000)
    }
    const abort = new AbortController()
    const head = withRetry(memory, { attempts: 4 }).head(key, abort.signal)
    const ended = failure(head)
    await turn()
    abort.abort()
    expect((await ended).code).toBe('interrupted')
    expect(memory.requests.head).toBe(1)
  })
})

describe('the pause', () => {
  it('has full jitter under a bound that doubles from 200 ms to 20 s', () => {
    const later = error('later')
    expect([1, 2, 3, 8, 20].map((n) => pauseAfter(n, later, () => 1))).toEqual([
      200, 400, 800, 20_000, 20_000,
    ])
    expect(pauseAfter(3, later, () => 0.5)).toBe(400)
    expect(pauseAfter(3, later, () => 0)).toBe(0)
  })

  it('is at least what the store asked for, but never more than a minute', () => {
    expect(pauseAfter(1, error('later', 'throttled', 5_000), () => 1)).toBe(5_000)
    expect(pauseAfter(1, error('now', 'throttled', 5_000), () => 1)).toBe(5_000)
    expect(pauseAfter(9, error('later', 'throttled', 5_000), () => 1)).toBe(20_000)
    expect(pauseAfter(1, error('later', 'throttled', 86_400_000), () => 1)).toBe(60_000)
  })
})

describe('a listing', () => {
  const keys = Array.from({ length: 25 }, (_, i) => String(i).padStart(3, '0'))

  function flaky(failures: (page: number) => DrayError | null) {
    const memory = memoryStorage(
      keys.map((k) => [k, 'x'] as const),
      { pageSize: 3 },
    )
    let page = 0
    memory.faults.before = () => {
      const thrown = failures(page++)
      if (thrown) throw thrown
    }
    return { memory, storage: withRetry(memory, { attempts: 4, sleep: async () => {} }) }
  }

  it('goes on after the last key that it delivered', async () => {
    const { memory, storage } = flaky((page) => (page % 2 === 1 ? error('later') : null))
    expect((await listAll(storage)).map((entry) => entry.key)).toEqual(keys)
    // Nine pages, and a failure before each but the first.
    expect(memory.requests.list).toBe(17)
  })

  it('fails where one page fails every time', async () => {
    const { memory, storage } = flaky((page) => (page >= 3 ? error('later', 'unreachable') : null))
    expect((await failure(listAll(storage))).code).toBe('unreachable')
    expect(memory.requests.list).toBe(3 + 4)
  })

  it('keeps to its range and its options when it goes on', async () => {
    const asked: unknown[] = []
    const memory = memoryStorage(
      keys.map((k) => [k, 'x'] as const),
      { pageSize: 3 },
    )
    const spied: Storage = {
      ...memory,
      list: (range, options) => {
        asked.push([range, options.fresh])
        return memory.list(range, options)
      },
    }
    let page = 0
    memory.faults.before = () => {
      if (page++ === 1) throw error('now')
    }
    const storage = withRetry(spied, { attempts: 2, sleep: async () => {} })
    const range = { after: '004' as Key, through: '010' as Key }
    expect((await listAll(storage, range, true)).map((entry) => entry.key)).toEqual(keys.slice(5, 11))
    expect(asked).toEqual([
      [range, true],
      [{ after: '007', through: '010' }, true],
    ])
  })

  it('asks for nothing more where it broke after the last key of its range', async () => {
    const memory = memoryStorage([['a', 'x']])
    const breaking: Storage = {
      ...memory,
      async *list(range, options) {
        yield* memory.list(range, options)
        throw error('now')
      },
    }
    const storage = withRetry(breaking, { attempts: 4, sleep: async () => {} })
    expect(await listAll(storage, { after: null, through: 'a' as Key })).toHaveLength(1)
    expect(memory.requests.list).toBe(1)
  })

  it('closes the listing behind it when it is left early', async () => {
    let closed = false
    const watched: Storage = {
      ...memoryStorage(),
      async *list() {
        try {
          for (;;) yield []
        } finally {
          closed = true
        }
      },
    }
    for await (const _ of withRetry(watched, { attempts: 4 }).list(everything, { signal: noSignal })) break
    expect(closed).toBe(true)
  })
})

describe('bodies', () => {
  it('of reads are not retried once they have begun', async () => {
    const { memory, storage } = failing('read', [error('later')])
    memory.faults.body = function* (bytes) {
      yield bytes.subarray(0, 3)
      throw error('now', 'unreachable')
    }
    const reading = await storage.read(key, { signal: noSignal })
    expect((await failure(bytesOf(reading!))).code).toBe('unreachable')
    expect(memory.requests.read).toBe(2)
  })

  it('of writes are opened anew for each attempt, and none stays open', async () => {
    const { memory, storage } = failing('write', [error('later'), error('now')])
    let opened = 0
    const body = bodyOf(patterned(200_000))
    const breaking = {
      ...body,
      async open() {
        const stream = await body.open(noSignal)
        if (++opened === 1) stream.destroy(error('now', 'unreachable'))
        return stream
      },
    }
    await storage.write(key, breaking, noMetadata, noSignal)
    expect([memory.requests.write, opened]).toEqual([4, 2])
    expect(body.opened.every((stream) => stream.destroyed)).toBe(true)
    expect(memory.objects.get(key)?.body.length).toBe(200_000)
  })
})

describe('a delete', () => {
  it('that may have happened in a failed attempt counts as one that did', async () => {
    const memory = memoryStorage([['k', 'x']])
    const losing: Storage = {
      ...memory,
      async delete(...args) {
        const first = memory.requests.delete === 0
        const deleted = await memory.delete(...args)
        if (first) throw error('later', 'timeout')
        return deleted
      },
    }
    const storage = withRetry(losing, { attempts: 4, sleep: async () => {} })
    expect(await storage.delete(key, { signal: noSignal })).toBe(true)
    expect(await storage.delete(key, { signal: noSignal })).toBe(false)
  })
})

describe('multipart uploads', () => {
  it('are retried request by request, and their parts are listed without repeats', async () => {
    const { memory, storage, pauses } = failing('part', [error('later'), error('later'), error('later')])
    const multipart = storage.multipart!
    // An answer that was lost may have left an upload: nobody makes another one without looking.
    expect((await failure(multipart.create(key, noMetadata, noSignal))).code).toBe('server-error')
    const { faults } = memory
    memory.faults = {}
    const upload = await multipart.create(key, noMetadata, noSignal)
    memory.faults = faults
    const bytes = patterned(6 << 20)
    const first = await multipart.part(key, upload, 1, bodyOf(bytes), noSignal)
    const second = await multipart.part(key, upload, 2, bodyOf('end'), noSignal)
    const listed: number[] = []
    let broken = false
    const breaking = withRetry(
      {
        ...memory,
        multipart: {
          ...memory.multipart!,
          async *list() {
            yield [first]
            if (!broken) {
              broken = true
              throw error('now')
            }
            yield [second]
          },
        },
      },
      { attempts: 4, sleep: async () => {} },
    )
    for await (const page of breaking.multipart!.list(key, upload, noSignal)) {
      listed.push(...page.map((part) => part.number))
    }
    expect(listed).toEqual([1, 2])
    await multipart.complete(key, upload, [first, second], noSignal)
    expect(memory.objects.get(key)?.body.length).toBe(bytes.length + 3)
    expect(pauses).toEqual([200, 400])
  })
})
