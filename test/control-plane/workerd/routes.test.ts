import { beforeAll, describe, expect, it } from 'vitest'
import type * as z from 'zod'
import {
  type MigrationView,
  migrationSchema,
  migrationsPageSchema,
  type PassStatus,
  type Problem,
  packetsPageSchema,
  startedPassSchema,
} from '../../../shared/api/migrations.ts'
import type { Key } from '../../../shared/key.ts'
import { cutOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, call, definition, file, json, prepare, s3, signed, toMigration } from './inside.ts'

beforeAll(prepare)

describe('a migration', () => {
  it('is created once, and the same again is no error', async () => {
    const first = await json<MigrationView>('PUT', '/api/workspaces/local/migrations/once', definition)
    expect(first.status).toBe(201)
    expect(migrationSchema.parse(first.body)).toMatchObject({ id: 'once', source: s3('a'), pass: null })
    const again = await json<MigrationView>('PUT', '/api/workspaces/local/migrations/once', definition)
    expect([again.status, again.body]).toEqual([200, first.body])
    expect((await json('GET', '/api/workspaces/local/migrations/once')).body).toEqual(first.body)
  })

  it('does not change', async () => {
    await json('PUT', '/api/workspaces/local/migrations/fixed', definition)
    const other = { ...definition, destination: s3('c') }
    const answer = await json<Problem>('PUT', '/api/workspaces/local/migrations/fixed', other)
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'busy', hint: expect.stringContaining('another id') },
    })
    expect((await json('GET', '/api/workspaces/local/migrations/fixed')).body).toMatchObject({
      destination: s3('b'),
    })
  })

  it.each([
    ['an unknown member', { ...definition, extra: 1 }, 'extra'],
    ['a location without a bucket', { ...definition, source: { kind: 's3' } }, 'source.bucket'],
    ['a prefix that is no folder', { ...definition, source: { ...s3('a'), prefix: 'x' } }, 'ends in "/"'],
    [
      'two sites',
      { ...definition, source: file('/a', 'x'), destination: file('/b', 'y') },
      'no agent reaches both',
    ],
  ])('is refused with %s', async (_, body, detail) => {
    const answer = await json<Problem>('PUT', '/api/workspaces/local/migrations/refused', body)
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'usage', detail: expect.stringContaining(detail) },
    })
    expect((await json('GET', '/api/workspaces/local/migrations/refused')).status).toBe(404)
  })

  it.each(['Upper', '-dash', 'a b', 'x'.repeat(64)])('has no id like %s', async (id) => {
    const answer = await json<Problem>(
      'PUT',
      `/api/workspaces/local/migrations/${encodeURIComponent(id)}`,
      definition,
    )
    expect(answer).toMatchObject({ status: 400, body: { code: 'usage' } })
  })

  it('keeps its mapping and its manifest, which it never changes', async () => {
    const mapping = { kind: 'template', pattern: '(?<id>.+)', to: 'x/{id}', unmatched: 'fail' }
    const manifest = { place: { kind: 's3', bucket: 'b', key: 'list' }, columns: null, keys: null }
    const put = (more: object) =>
      json<object>('PUT', '/api/workspaces/local/migrations/mapped', { ...definition, ...more })
    expect(await put({ mapping, manifest })).toMatchObject({ status: 201, body: { mapping, manifest } })
    expect((await put({ mapping, manifest })).status).toBe(200)
    expect((await put({ mapping })).status).toBe(409)
    expect((await put({ mapping: { ...mapping, to: '{no}' } })).status).toBe(400)
    const source = { kind: 'file', path: '/a', site: 'here' }
    expect((await put({ manifest, source })).body).toMatchObject({
      detail: expect.stringContaining('in a bucket'),
    })
    const deleting = await json('POST', '/api/workspaces/local/migrations/mapped/passes', { delete: true })
    expect(deleting).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('nothing can be deleted') },
    })
    expect((await json('POST', '/api/workspaces/local/migrations/mapped/passes', {})).status).toBe(201)
  })

  it('takes no body that is not JSON, or too large', async () => {
    const put = (body: string) => call('PUT', '/api/workspaces/local/migrations/large', { body })
    expect((await put('{')).status).toBe(400)
    expect((await put(`"${'x'.repeat(9 * 1024 * 1024)}"`)).status).toBe(413)
  })

  it('is listed newest first, page by page', async () => {
    const ids = Array.from({ length: 105 }, (_, i) => `listed-${i}`)
    for (const id of ids) await json('PUT', `/api/workspaces/local/migrations/${id}`, definition)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: z.infer<typeof migrationsPageSchema> = migrationsPageSchema.parse(
        (await json('GET', `/api/workspaces/local/migrations${cursor && `?cursor=${cursor}`}`)).body,
      )
      seen.push(...page.migrations.map(({ id }) => id))
      cursor = page.cursor
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((id) => id.startsWith('listed-')).sort()).toEqual(ids.sort())
    expect(seen.indexOf('listed-104')).toBeLessThan(seen.indexOf('listed-0'))
  })

  it('is short in a list, however long its filter is, and whole where it is read', async () => {
    const pattern = (i: number) => `${i}${'x'.repeat(1_000)}`
    const include = Array.from({ length: 1_000 }, (_, i) => pattern(i))
    const filter = { include, exclude: [pattern(1_000)], only: 'one' }
    for (const id of ['long-1', 'long-2']) {
      const put = await json('PUT', `/api/workspaces/local/migrations/${id}`, { ...definition, filter })
      expect(put.status).toBe(201)
    }
    const list = await call('GET', '/api/workspaces/local/migrations?text=long-')
    const text = await list.text()
    expect(text.length).toBeLessThan(2_000)
    const short = {
      filter: { include: [], exclude: [], only: 'one' },
      leftOut: { include: 1_000, exclude: 1 },
    }
    const page = migrationsPageSchema.parse(JSON.parse(text))
    expect(page.migrations).toMatchObject([
      { id: 'long-2', ...short },
      { id: 'long-1', ...short },
    ])
    expect((await json('GET', '/api/workspaces/local/migrations/long-1')).body).toMatchObject({ filter })
  })
})

describe('a pass', () => {
  const start = (id: string, options: object) =>
    json<unknown>('POST', `/api/workspaces/local/migrations/${id}/passes`, options)

  it('is gone on with under equal options, and in the way of others until it is cancelled', async () => {
    await json('PUT', '/api/workspaces/local/migrations/passes', definition)
    const first = await start('passes', { kind: 'copy' })
    expect(first.status).toBe(201)
    expect(startedPassSchema.parse(first.body)).toMatchObject({
      resumed: false,
      pass: { number: 1, state: 'running' },
    })
    const again = await start('passes', {})
    expect([again.status, startedPassSchema.parse(again.body).resumed]).toEqual([200, true])
    expect(await start('passes', { kind: 'verify' })).toMatchObject({
      status: 409,
      body: {
        code: 'busy',
        hint: expect.stringContaining('/api/workspaces/local/migrations/passes/passes/1/cancel'),
      },
    })
    expect(
      (await json<PassStatus>('POST', '/api/workspaces/local/migrations/passes/passes/1/cancel')).body.state,
    ).toBe('cancelled')
    expect(await start('passes', { kind: 'verify' })).toMatchObject({
      status: 201,
      body: { pass: { number: 2 } },
    })
    expect(
      (await json<PassStatus>('POST', '/api/workspaces/local/migrations/passes/passes/1/cancel')).body.state,
    ).toBe('cancelled')
  })

  it('takes no options that it does not know', async () => {
    await json('PUT', '/api/workspaces/local/migrations/options', definition)
    expect(await start('options', { kind: 'move' })).toMatchObject({ status: 400 })
    expect(await start('options', { fast: true })).toMatchObject({ status: 400 })
  })

  it.each([
    ['GET', '/api/workspaces/local/migrations/none'],
    ['GET', '/api/workspaces/local/migrations/none/packets'],
    ['POST', '/api/workspaces/local/migrations/none/passes'],
    ['GET', '/api/workspaces/local/migrations/none/passes/1'],
    ['GET', '/api/workspaces/local/migrations/empty/packets'],
    ['GET', '/api/workspaces/local/migrations/empty/passes/1'],
    ['GET', '/api/workspaces/local/migrations/empty/passes/1/failures'],
    ['GET', '/api/workspaces/local/migrations/empty/passes/1/report/ndjson'],
    ['POST', '/api/workspaces/local/migrations/empty/passes/1/cancel'],
    ['GET', '/api/workspaces/local/migrations/empty/passes/zero'],
    ['GET', '/api/workspaces/local/migrations/empty/passes/-1'],
    ['GET', '/api/workspaces/local/migrations/empty/passes/1.5'],
  ])('that is not there is not found: %s %s', async (method, path) => {
    await json('PUT', '/api/workspaces/local/migrations/empty', definition)
    const answer = await json<Problem>(method, path, method === 'POST' ? {} : undefined)
    expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } })
  })

  it('refuses a cursor that it did not give', async () => {
    await begin('cursor')
    for (const path of ['packets?cursor=x', 'passes/1/failures?cursor=-1', 'passes/1/failures?cursor=%00']) {
      expect((await json('GET', `/api/workspaces/local/migrations/cursor/${path}`)).status).toBe(400)
    }
    expect((await json('GET', '/api/workspaces/local/migrations?cursor=1')).status).toBe(400)
  })

  it('shows its packets in the order of keys, page by page', async () => {
    await begin('pages')
    const agent = await toMigration('pages')
    await agent.hello('a')
    const [first] = await agent.lease()
    await agent.ask({ t: 'split', packet: first!.id, generation: 1, at: 'm' as Key })
    agent.free(3)
    const [upper] = (await agent.next('lease')).packets
    const ends = (letter: string) =>
      Array.from({ length: 600 }, (_, i) => `${letter}${String(i).padStart(4, '0')}`)
    // The upper part first: its ids are lower than those of keys before it.
    await agent.ask(cutOf(upper!, 'm', ends('n')))
    await agent.ask(cutOf(first!, null, ends('b')))
    const pages: z.infer<typeof packetsPageSchema>[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const path: string = `/api/workspaces/local/migrations/pages/packets?pass=1${cursor && `&cursor=${cursor}`}`
      pages.push(packetsPageSchema.parse((await json('GET', path)).body))
      cursor = pages.at(-1)!.cursor
    }
    expect(pages.map(({ packets }) => packets.length)).toEqual([1_000, 202])
    const all = pages.flatMap(({ packets }) => packets)
    expect(all.every(({ after }, i) => after === (all[i - 1]?.through ?? null))).toBe(true)
    expect(all.at(-1)!.through).toBeNull()
    expect(all.filter(({ agent: who }) => who === 'a')).toHaveLength(4)
  })
})

describe('a report', () => {
  const gzip = (text: string) =>
    new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
  const line = (key: string) => `${JSON.stringify({ key, outcome: 'copied', bytes: 1 })}\n`

  const upload = async (
    id: string,
    { id: packet, generation }: { id: number; generation: number },
    body: BodyInit,
  ) =>
    (
      await call('PUT', `/agent/migrations/${id}/passes/1/reports/${packet}/${generation}`, {
        token: signed,
        body,
      })
    ).status

  const download = async (id: string) => {
    const response = await call('GET', `/api/workspaces/local/migrations/${id}/passes/1/report/ndjson`)
    expect(response.headers.get('content-type')).toContain('ndjson')
    return new TextDecoder().decode(await response.arrayBuffer())
  }

  async function surveyed(id: string, n: number) {
    await begin(id)
    const agent = await toMigration(id)
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, [...Array.from({ length: n - 1 }, (_, i) => `k${1_000 + i}`), null]))
    return agent
  }

  it('joins what accepted leases uploaded, in the order of packets, while the pass runs', async () => {
    const agent = await surveyed('report', 4)
    const packets = await agent.lease(4)
    const [a, b, c] = packets
    expect(await upload('report', b!, await gzip(line('b')))).toBe(204)
    expect(await upload('report', a!, await gzip(line('a1') + line('a2').trimEnd()))).toBe(204)
    expect(await upload('report', c!, await gzip(line('c')))).toBe(204)
    await agent.ask(outcomeOf(b!, 1, { report: true }))
    await agent.ask(outcomeOf(a!, 2, { report: true }))
    // Uploaded, but of a lease whose outcome never came.
    await agent.ask({ t: 'release', held: [{ packet: c!.id, generation: c!.generation }] })
    expect(await download('report')).toBe(line('a1') + line('a2') + line('b'))
  })

  it('is refused for a lease that has ended', async () => {
    const agent = await surveyed('stale-report', 1)
    const [packet] = await agent.lease()
    await agent.ask({ t: 'release', held: [{ packet: packet!.id, generation: 1 }] })
    expect(await upload('stale-report', packet!, await gzip(line('a')))).toBe(409)
    expect(await upload('stale-report', { id: 99, generation: 1 }, await gzip(line('a')))).toBe(409)
  })

  it('says which part of it cannot be read, and gives the others', async () => {
    const agent = await surveyed('damaged', 3)
    const [a, b, c] = await agent.lease(3)
    await upload('damaged', a!, 'this is not gzip')
    await upload('damaged', c!, await gzip(line('c')))
    for (const packet of [a!, b!, c!]) await agent.ask(outcomeOf(packet, 1, { report: true }))
    const lines = (await download('damaged'))
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text))
    expect(lines).toMatchObject([
      { outcome: 'failed', code: 'internal', message: expect.stringContaining(`${a!.id}-1`) },
      { outcome: 'failed', code: 'internal', message: expect.stringContaining(`${b!.id}-1`) },
      { key: 'c', outcome: 'copied' },
    ])
  })

  const downloaded = (id: string, format: string) =>
    call('GET', `/api/workspaces/local/migrations/${id}/passes/1/report/${format}`)
  const unpacked = (body: ReadableStream<Uint8Array>) =>
    new Response(body.pipeThrough<Uint8Array>(new DecompressionStream('gzip') as never)).text()

  it('is a file of either kind, packed or not', async () => {
    const agent = await surveyed('formats', 2)
    const [a, b] = await agent.lease(2)
    const hostile = { key: '=cmd|"x"', outcome: 'failed', bytes: 7, code: 'io', message: 'one,\r\ntwo' }
    await upload('formats', a!, await gzip(`${JSON.stringify(hostile)}\nno json\n`))
    await upload('formats', b!, await gzip(line('b')))
    for (const packet of [a!, b!]) await agent.ask(outcomeOf(packet, 1, { report: true }))
    const csv = await downloaded('formats', 'csv')
    expect(Object.fromEntries(csv.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="formats-pass-1.csv"',
    })
    const table = await csv.text()
    expect(table).toBe(
      [
        'outcome,key,keyEscaped,from,fromEscaped,version,bytes,code,message,evidence,dropped',
        `failed,"'=cmd|""x""",,,,,7,io,"one,\r\ntwo",,`,
        'failed,,,,,,,internal,this line of the report cannot be read,,',
        'copied,b,,,,,1,,,,',
        '',
      ].join('\r\n'),
    )
    const packed = await downloaded('formats', 'csv.gz')
    expect(packed.headers.get('content-type')).toBe('application/gzip')
    expect(await unpacked(packed.body!)).toBe(table)
    expect((await downloaded('formats', 'xlsx')).status).toBe(404)
  })

  it('is handed on as it is stored where it is to be packed, and what is missing is told in it', async () => {
    const agent = await surveyed('packed', 3)
    const [a, b, c] = await agent.lease(3)
    const stored = new Uint8Array(await gzip(line('a')))
    await upload('packed', a!, stored)
    await upload('packed', b!, 'this is not gzip')
    for (const packet of [a!, b!, c!]) await agent.ask(outcomeOf(packet, 1, { report: true }))
    const response = await downloaded('packed', 'ndjson.gz')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="packed-pass-1.ndjson.gz"')
    // This runtime unpacks the first of several alone: gzip and others read all of it (test/e2e/cli-reports.test.ts).
    const whole = new Uint8Array(await response.arrayBuffer())
    const members = [...whole.keys()].filter((at) => whole[at] === 0x1f && whole[at + 1] === 0x8b)
    const parts = members.map((at, i) => whole.slice(at, members[i + 1]))
    expect(parts[1]).toEqual(stored)
    const texts = await Promise.all(parts.map((part) => unpacked(new Blob([part]).stream())))
    expect(texts.slice(0, 2)).toEqual(['', line('a')])
    expect(JSON.parse(texts[2]!)).toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/no gzip$/),
    })
    expect(JSON.parse(texts[3]!)).toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/not there$/),
    })
  })

  it('has no size that is not said before, and none past its bound', async () => {
    const agent = await surveyed('bound', 1)
    const [packet] = await agent.lease()
    const body = new Uint8Array(await gzip(line('a')))
    const unsized = new ReadableStream({
      start(controller) {
        controller.enqueue(body)
        controller.close()
      },
    })
    expect(await upload('bound', packet!, unsized)).toBe(411)
    const path = `/agent/migrations/bound/passes/1/reports/${packet!.id}/1`
    const headers = { 'content-length': String(64 * 1024 * 1024 + 1) }
    expect((await call('PUT', path, { token: signed, body: 'x', headers })).status).toBe(413)
  })

  it('is empty where nothing was to be told', async () => {
    await begin('quiet')
    expect(await download('quiet')).toBe('')
  })
})
