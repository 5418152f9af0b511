import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { PassStatus, Problem } from '../../../shared/api/migrations.ts'
import { begin, call, definition, file, json, passTime, prepare, s3, toMigration } from './inside.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

const path = (id: string) => `/api/workspaces/local/migrations/${id}/changes`
const records = (bucket: string, ...keys: string[]) => ({
  Records: keys.map((key) => ({
    eventSource: 'aws:s3',
    eventName: 'ObjectCreated:Put',
    eventTime: '2026-01-02T03:04:05.678Z',
    s3: { bucket: { name: bucket }, object: { key } },
  })),
})

it('takes the keys of the migration’s bucket and prefix, and says how many', async () => {
  const source = { ...s3('a'), prefix: 'in/' } as typeof definition.source
  await begin('told', {}, { ...definition, source })
  const body = records('a', 'in/k', 'in/a+b', 'out/k')
  body.Records.push(...records('elsewhere', 'in/k').Records)
  expect(await json('POST', path('told'), body)).toEqual({ status: 202, body: { taken: 2, ignored: 2 } })
  expect(await json('POST', path('told'), { keys: ['in/k', 'k'] })).toMatchObject({
    body: { taken: 1, ignored: 1 },
  })
  const agent = await toMigration('told')
  await agent.hello('a')
  expect((await agent.lease(2)).map(({ kind, through }) => [kind, through])).toEqual([
    ['event', 'k'],
    ['survey', null],
  ])
  const status = (await json<PassStatus>('GET', '/api/workspaces/local/migrations/told/passes/1')).body
  expect(status.events?.waiting).toBe(2)
})

it('ignores the side that nobody follows', async () => {
  await begin('other-side')
  const answer = await json('POST', `${path('other-side')}?side=destination`, records('b', 'k'))
  expect(answer).toEqual({ status: 202, body: { taken: 0, ignored: 1 } })
})

it('takes paths below a directory', async () => {
  await begin('paths', {}, { ...definition, source: file('/data') })
  expect((await json('POST', path('paths'), { keys: ['a/b'] })).body).toEqual({ taken: 1, ignored: 0 })
})

it('refuses what is no notification, and never fetches what is not SNS’s', async () => {
  await begin('refuses')
  const refused = async (body: unknown) => {
    const { status, body: problem } = await json<Problem>('POST', path('refuses'), body)
    return [status, problem.detail]
  }
  expect(await refused({ hello: 'world' })).toEqual([400, 'this is no notification that Dray knows'])
  const asked = {
    Type: 'SubscriptionConfirmation',
    TopicArn: 'arn:aws:sns:us-west-2:123456789012:T',
    SubscribeURL: 'http://127.0.0.1:1/?Action=ConfirmSubscription',
  }
  expect(await refused(asked)).toEqual([400, 'the SubscribeURL is none of Amazon SNS’s'])
})

it('reads SNS’s text/plain as JSON', async () => {
  await begin('plain')
  const body = JSON.stringify({
    Type: 'Notification',
    TopicArn: 't',
    Message: JSON.stringify(records('a', 'k')),
  })
  const headers = { 'content-type': 'text/plain; charset=UTF-8' }
  const response = await call('POST', path('plain'), { body, headers })
  expect([response.status, await response.json()]).toEqual([202, { taken: 1, ignored: 0 }])
})

it('looks a token up once in some seconds, and every other route each time', async () => {
  await begin('tokens')
  // Time stands still.
  passTime(0)
  const { body: made } = await json<{ secret: string; token: { id: string } }>(
    'POST',
    '/api/workspaces/local/tokens',
    { name: 'store', scopes: ['migrations:run', 'migrations:read'] },
  )
  const tell = async () =>
    (await call('POST', path('tokens'), { token: made.secret, body: '{"keys":["k"]}' })).status
  const read = async () =>
    (await call('GET', '/api/workspaces/local/migrations/tokens', { token: made.secret })).status
  expect([await tell(), await read()]).toEqual([202, 200])
  await call('DELETE', `/api/workspaces/local/tokens/${made.token.id}`)
  expect([await tell(), await read()]).toEqual([202, 401])
  passTime(5_001)
  expect(await tell()).toBe(401)
})
