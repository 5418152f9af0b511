/** What stores make of a conditional write, and what is made of that. */
import { describe, expect, it } from 'vitest'
import { createConditions } from '../../agent/storage/s3/conditional.ts'
import type { Head } from '../../agent/storage/storage.ts'
import { DrayError, type ErrorCode } from '../../shared/error.ts'
import { keyFromText } from '../../shared/key.ts'
import { failure, noMetadata, noSignal } from './contract.ts'

const key = keyFromText('key')
const write = { key, signal: noSignal }
const refused = (code: ErrorCode) => new DrayError(code, 'PUT', 'No.')

/** A store that has an object of that token, and answers a write as `answer` says; with what it was asked. */
function store(token: string | null, answer: (condition: string) => ErrorCode | null) {
  const asked: string[] = []
  const entry = { key, kind: 'object', size: 1, mtime: 0 } as const
  const head = async (): Promise<Head | null> =>
    token === null ? null : { entry: { ...entry, token }, metadata: noMetadata }
  const conditions = createConditions(async () => {
    asked.push('HEAD')
    return head()
  })
  const put = (expected: string | null | undefined) =>
    conditions.hold(expected, write, async (headers) => {
      const condition = Object.entries(headers).join(' ') || 'none'
      asked.push(condition)
      const code = answer(condition)
      if (code !== null) throw refused(code)
      return 'written'
    })
  return { asked, put }
}

describe('a conditional write', () => {
  it('costs no request, and is none where nothing is expected', async () => {
    const { asked, put } = store('t', () => null)
    for (const expected of [null, 't', undefined]) expect(await put(expected)).toBe('written')
    expect(asked).toEqual(['if-none-match,*', 'if-match,"t"', 'none'])
  })

  it.each<ErrorCode>(['not-implemented', 'invalid-request', 'access-denied'])(
    'is made without, from then on, where the store refuses it as %s and takes it so',
    async (code) => {
      const { asked, put } = store('t', (condition) => (condition === 'none' ? null : code))
      expect(await put('t')).toBe('written')
      expect(await put(null)).toBe('written')
      expect(asked).toEqual(['if-match,"t"', 'none', 'none'])
    },
  )

  it('is no less conditional after a refusal that has other reasons', async () => {
    let isLocked = true
    const { asked, put } = store('t', () => (isLocked ? 'access-denied' : null))
    expect((await failure(put(null))).code).toBe('access-denied')
    isLocked = false
    await put(null)
    expect(asked).toEqual(['if-none-match,*', 'none', 'if-none-match,*'])
  })

  it('tells that something else stands there now, or nothing any more', async () => {
    const other = store('other', () => 'changed')
    expect((await failure(other.put('t'))).code).toBe('changed')
    expect((await failure(other.put(null))).code).toBe('changed')
    expect(other.asked).toEqual(['if-match,"t"', 'HEAD', 'if-none-match,*'])
    const gone = store(null, (condition) => (condition === 'none' ? null : 'not-found'))
    expect((await failure(gone.put('t'))).code).toBe('changed')
  })

  it('has no quotes where the store compares with them, which is found out once', async () => {
    const { asked, put } = store('t', (condition) => (condition === 'if-match,t' ? null : 'changed'))
    await put('t')
    await put('t')
    expect((await failure(put('u'))).code).toBe('changed')
    expect(asked).toEqual(['if-match,"t"', 'HEAD', 'if-match,t', 'if-match,t', 'if-match,u', 'HEAD'])
  })

  it('is none where the store holds no condition although what it asks for is there', async () => {
    const { asked, put } = store('t', (condition) => (condition === 'none' ? null : 'changed'))
    await put('t')
    await put('t')
    expect(asked).toEqual(['if-match,"t"', 'HEAD', 'if-match,t', 'HEAD', 'none', 'none'])
  })
})
