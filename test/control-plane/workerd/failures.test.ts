import { beforeAll, describe, expect, it } from 'vitest'
import { type Failure, failureSchema, listCauses, listFailures } from '../../../shared/api/failures.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Key } from '../../../shared/key.ts'
import type { Failure as Told } from '../../../shared/protocol.ts'
import { denied, failing } from './failing.ts'
import { call, json, prepare } from './inside.ts'

beforeAll(prepare)

const of = (id: string, pass = 1) => `/api/workspaces/local/migrations/${id}/passes/${pass}`

const broken = (key: string): Told => ({
  key: key as Key,
  code: 'io',
  message: `Disk error ${key.length}.`,
  bytes: 1,
})

const causesIn = async (id: string, pass = 1) =>
  listCauses.answer.parse((await json('GET', `${of(id, pass)}/causes`)).body).causes
const pageOf = async (id: string, query = '', pass = 1) =>
  listFailures.answer.parse((await json('GET', `${of(id, pass)}/failures${query}`)).body)
const keysOf = ({ failures }: { failures: Failure[] }) => failures.map(({ key }) => key)
const statusOf = async (id: string, pass = 1) => (await json<PassStatus>('GET', of(id, pass))).body

describe('what failed in a pass', () => {
  it('is shown by cause, the most frequent first, with what can be done', async () => {
    const many = Array.from({ length: 5 }, (_, i) => denied(`photos/${i}.jpg`))
    await failing('causes', [broken('a'), ...many, broken('bb')])
    const before = Date.now()
    const causes = await causesIn('causes')
    expect(causes).toMatchObject([
      {
        ...{ code: 'access-denied', objects: 5, bytes: 50, open: 5, retried: 0, waived: 0, rest: false },
        message: 'Access Denied (GET s3://a/photos/0.jpg).',
        remedy: expect.stringContaining('right'),
        samples: [{ key: 'photos/0.jpg' }, { key: 'photos/1.jpg' }, { key: 'photos/2.jpg' }],
      },
      { code: 'io', objects: 2, bytes: 2, open: 2 },
    ])
    expect(causes.every(({ firstAt, lastAt }) => firstAt <= lastAt && lastAt <= before)).toBe(true)
    expect((await statusOf('causes')).failureCauses).toMatchObject([
      { code: 'access-denied', objects: 5 },
      { code: 'io', objects: 2 },
    ])
    expect((await call('GET', `${of('causes', 7)}/causes`)).status).toBe(404)
  })

  it('is listed page by page, and counted once', async () => {
    const keys = Array.from({ length: 250 }, (_, i) => denied(`k${String(i).padStart(3, '0')}`))
    await failing('pages', [{ ...broken('x'), key: '\xff' as Key }, ...keys])
    const first = await pageOf('pages')
    expect(first.failures).toHaveLength(100)
    expect(first).toMatchObject({ matching: 251, isMore: false })
    expect(first.failures[0]).toMatchObject({
      ...{ key: '\\xff', keyEscaped: '%FF', code: 'io', state: 'open', retriedBy: null, waiver: null },
    })
    const second = await pageOf('pages', `?cursor=${first.cursor}`)
    const third = await pageOf('pages', `?cursor=${second.cursor}`)
    expect([second.matching, third.failures.length, third.cursor]).toEqual([null, 51, null])
    const whole = await pageOf('pages', '?limit=251')
    expect(whole.failures).toEqual([...first.failures, ...second.failures, ...third.failures])
    expect(whole.cursor).toBeNull()
  })

  it('is chosen by cause, by what keys begin with, and by text', async () => {
    await failing('chosen', [
      denied('photos/Ä.jpg'.replace('Ä', '\xc3\x84')),
      denied('photos/b.JPG'),
      denied('text/b.jpg'),
      broken('photos/100%_\'"'),
      denied('photot'),
    ])
    const causes = await causesIn('chosen')
    const io = causes.find(({ code }) => code === 'io')!
    expect(await pageOf('chosen', `?cause=${io.id}`)).toMatchObject({
      ...{ failures: [{ key: 'photos/100%_\'"', cause: io.id }], matching: 1, cursor: null },
    })
    expect(keysOf(await pageOf('chosen', '?prefix=photos/'))).toEqual([
      'photos/Ä.jpg',
      'photos/b.JPG',
      'photos/100%_\'"',
    ])
    expect(await pageOf('chosen', '?prefix=photos/&limit=1')).toMatchObject({ matching: 3, isMore: false })
    expect(keysOf(await pageOf('chosen', `?text=${encodeURIComponent('Ä.')}`))).toEqual(['photos/Ä.jpg'])
    expect(keysOf(await pageOf('chosen', '?text=B.jpg'))).toEqual(['photos/b.JPG', 'text/b.jpg'])
    expect(keysOf(await pageOf('chosen', '?text=DISK'))).toEqual(['photos/100%_\'"'])
    expect(keysOf(await pageOf('chosen', '?text=%25_'))).toEqual(['photos/100%_\'"'])
    expect(await pageOf('chosen', '?state=waived')).toMatchObject({ failures: [], matching: 0 })
    expect(await pageOf('chosen', '?cause=99')).toMatchObject({ failures: [], matching: 0 })
  })
})

describe('what failed, as a file', () => {
  const download = async (id: string, query = '') => {
    const response = await call('GET', `${of(id)}/failures/download${query}`)
    return { headers: response.headers, text: await response.text() }
  }

  it('is CSV that no spreadsheet works out', async () => {
    await failing('csv', [denied('=HYPERLINK("x")'), denied('a,b'), denied('two\nlines'), denied('@x')])
    const { headers, text } = await download('csv')
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(headers.get('content-disposition')).toBe('attachment; filename=csv-pass-1-failures.csv')
    const lines = text.split('\r\n')
    expect(lines[0]).toBe('key,keyEscaped,code,message,bytes,at,state,retriedBy,waivedBy,reason,cause,id')
    expect(lines[1]).toMatch(
      /^"'=HYPERLINK\(""x""\)",,access-denied,"Access Denied \(GET s3:\/\/a\/=HYPERLINK\(""x""\)\)\.",10,\d{4}-/,
    )
    expect(lines[2]).toMatch(/^"a,b",,/)
    expect(lines[3]).toMatch(/^"two\nlines",,/)
    expect(lines[4]).toMatch(/^'@x,,/)
    expect(lines).toHaveLength(6)
  })

  it('is NDJSON, of all or of what is asked for, over many pages', async () => {
    const many = Array.from({ length: 1_500 }, (_, i) => denied(`k${i}`))
    await failing('ndjson', [...many, broken('z')])
    const { headers, text } = await download('ndjson', '?format=ndjson')
    expect(headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => failureSchema.parse(JSON.parse(line)))
    expect(lines).toHaveLength(1_501)
    expect(lines).toEqual([...(await pageOf('ndjson', '?limit=1000')).failures, ...lines.slice(1_000)])
    expect((await download('ndjson', '?format=ndjson&prefix=z')).text.split('\n')).toHaveLength(2)
    expect((await call('GET', `${of('ndjson', 2)}/failures/download`)).status).toBe(404)
  })
})
