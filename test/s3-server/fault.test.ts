import { afterEach, describe, expect, it } from 'vitest'
import type { Fault } from '../../agent/s3-server/faults.ts'
import { testS3 } from '../support/s3-server.ts'

const { server, call } = await testS3()
await server.put('b', 'k', 'hello')
afterEach(() => {
  server.hooks = {}
})
const failNext = (operation: string, fault: Fault) => {
  server.hooks = { beforeRequest: (info) => (info.operation === operation ? fault : null) }
}

describe('a fault', () => {
  it('refuses as told, and nothing is done', async () => {
    failNext('PutObject', { status: 503, code: 'SlowDown', headers: { 'retry-after': '1' } })
    const answer = await call('PUT', '/b/refused', { body: 'x' })
    expect(answer).toMatchObject({ status: 503, code: 'SlowDown' })
    expect(answer.headers['retry-after']).toBe('1')
    expect(server.object('b', 'refused')).toBeNull()
  })

  it('still wants a good signature', async () => {
    failNext('GetObject', { status: 503, code: 'SlowDown' })
    expect(await call('GET', '/b/k', { at: new Date(0) })).toMatchObject({ code: 'RequestTimeTooSkewed' })
  })

  it('drops the request, or only its answer', async () => {
    failNext('PutObject', 'drop')
    await expect(call('PUT', '/b/dropped', { body: 'x' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(server.object('b', 'dropped')).toBeNull()
    failNext('PutObject', 'drop-answer')
    await expect(call('PUT', '/b/done', { body: 'x' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(server.object('b', 'done')?.size).toBe(1)
  })

  it('cuts a body short: what was sent arrives, and the end is an error', async () => {
    await server.put('b', 'large', 'x'.repeat(1_000_000))
    for (const truncateAfter of [0, 10, 300_000]) {
      failNext('GetObject', { truncateAfter })
      await expect(call('GET', '/b/large')).rejects.toMatchObject({ code: 'ECONNRESET' })
    }
  })

  it('sends one wrong bit', async () => {
    failNext('GetObject', { corruptAt: 4 })
    expect((await call('GET', '/b/k')).text).toBe('helln')
    expect((await server.object('b', 'k')?.body())?.toString()).toBe('hello')
  })

  it('puts an error inside a 200', async () => {
    const { text } = await call('POST', '/b/mp', { query: 'uploads=' })
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(text)![1]!
    failNext('CompleteMultipartUpload', { insideOk: 'InternalError' })
    const answer = await call('POST', '/b/mp', { query: `uploadId=${uploadId}`, body: '<x/>' })
    expect(answer).toMatchObject({ status: 200, code: 'InternalError' })
    expect(server.uploads('b').length).toBe(1)
  })

  it('lists other objects, or the same ones in another order', async () => {
    failNext('ListObjectsV2', { listing: (objects) => objects.toReversed() })
    for (const key of ['1', '2', '3']) await server.put('order', key, '')
    const { text } = await call('GET', '/order', { query: 'list-type=2' })
    expect([...text.matchAll(/<Key>(.*?)</g)].map((found) => found[1])).toEqual(['3', '2', '1'])
  })

  it('can depend on the request, and wait for something else', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const seen: (string | null)[] = []
    server.requests.reset()
    server.hooks = {
      async beforeRequest({ operation, nth }) {
        if (operation === 'GetObject' && nth === 1) await held
        return null
      },
    }
    const first = call('GET', '/b/k').then(() => seen.push('first'))
    await expect.poll(() => server.requests.count('GetObject')).toBe(1)
    await call('GET', '/b/k').then(() => seen.push('second'))
    release()
    await first
    expect(seen).toEqual(['second', 'first'])
    expect(server.requests.peak).toBe(2)
  })
})

it('a stalled answer stays open until the client gives up or the server stops', async () => {
  const other = await testS3()
  await other.server.put('b', 'k', 'hello')
  other.server.hooks = { beforeRequest: ({ nth }) => (nth === 1 ? 'stall' : { stallAfter: 2 }) }
  const stalled = [other.call('GET', '/b/k'), other.call('GET', '/b/k')].map((each) =>
    each.then(
      () => 'answered',
      (error) => error.code,
    ),
  )
  await expect.poll(() => other.server.requests.count('GetObject')).toBe(2)
  await other.server.stop()
  expect(await Promise.all(stalled)).toEqual(['ECONNRESET', 'ECONNRESET'])
})

it('counts requests by operation, refused ones too', async () => {
  server.requests.reset()
  await call('GET', '/b/k')
  await call('GET', '/b/missing')
  await call('HEAD', '/b/k')
  await call('GET', '/b', { query: 'list-type=2' })
  expect(server.requests.byOperation()).toEqual({ GetObject: 2, HeadObject: 1, ListObjectsV2: 1 })
  expect(server.requests.total).toBe(4)
})
