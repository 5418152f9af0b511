import { describe, expect, it } from 'vitest'
import { fileError } from '../../agent/storage/file/file-error.ts'
import { inTime } from '../../agent/storage/file/in-time.ts'

describe('a call of the file system', () => {
  it('is what it is where it comes back', async () => {
    expect(await inTime(async (a: number, b: number) => a + b)(1, 2)).toBe(3)
    await expect(inTime(() => Promise.reject(new Error('no')))()).rejects.toThrow('no')
  })

  it('that does not come back fails, as what can be tried again, and what it brings later is cleared away', async () => {
    const opened = Promise.withResolvers<number>()
    const late = Promise.withResolvers<number>()
    const thrown = await inTime(() => opened.promise, 10, late.resolve)().catch((error) => error)
    expect(fileError(thrown, 'read /x')).toMatchObject({ code: 'timeout', retry: 'later' })
    opened.resolve(7)
    expect(await late.promise).toBe(7)
  })
})
