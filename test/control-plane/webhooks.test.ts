import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type WebhookEvent, webhookEventSchema } from '../../shared/api/webhook-events.ts'
import { type DeliveryView, deliverySchema, type WebhookView } from '../../shared/api/webhooks.ts'
import { noFilter } from '../../shared/policy.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts'

let plane: Plane
let receiver: Receiver
beforeAll(async () => {
  ;[plane, receiver] = await Promise.all([
    startPlane({ bindings: { DRAY_WEBHOOKS_INSECURE: '1' } }),
    startReceiver((response, { path }) => {
      if (path === '/moved') response.writeHead(302, { location: '/elsewhere' }).end()
      else if (path === '/broken') response.writeHead(500).end(`no: ${'x'.repeat(100_000)}`)
      else if (path === '/gone') response.writeHead(410).end()
      else response.writeHead(200).end('thanks')
    }),
  ])
})
afterAll(() => Promise.all([plane.stop(), receiver.stop()]))

const at = '/api/workspaces/local/webhooks'
type Made = WebhookView & { secret: string }
const make = async (id: string, more: object = {}) =>
  (await plane.api<Made>('POST', at, { id, url: `${receiver.url}/${id}`, ...more })).json
const test = async (id: string) => (await plane.api<DeliveryView>('POST', `${at}/${id}/test`)).json
const deliveries = async (id: string) =>
  (await plane.api<{ deliveries: DeliveryView[] }>('GET', `${at}/${id}/deliveries`)).json.deliveries
const sentTo = (id: string) => receiver.received.filter(({ path }) => path === `/${id}`)
const eventOf = ({ body }: Received) => webhookEventSchema.parse(JSON.parse(body)) as WebhookEvent

const s3 = (bucket: string) => ({
  ...{ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null },
})
async function startPass(id: string): Promise<void> {
  const migration = `/api/workspaces/local/migrations/${id}`
  await plane.api('PUT', migration, { source: s3('a'), destination: s3('b'), filter: noFilter })
  expect((await plane.api('POST', `${migration}/passes`, {})).status).toBe(201)
}
const cancelPass = (id: string) => plane.api('POST', `/api/workspaces/local/migrations/${id}/passes/1/cancel`)

describe('a delivery', () => {
  it('is signed so that the Standard Webhooks libraries accept it', async () => {
    const { secret } = await make('signed')
    expect(secret).toMatch(/^whsec_/)
    expect(deliverySchema.parse(await test('signed'))).toMatchObject({
      ...{ state: 'delivered', status: 200, answer: 'thanks', attempts: 1, due: null },
    })
    const [{ headers, body }] = sentTo('signed') as [Received]
    const verified = new Webhook(secret).verify(body, headers as Record<string, string>)
    expect(verified).toMatchObject({
      type: 'webhook.test',
      id: headers['webhook-id'],
      data: { webhook: 'signed' },
    })
    expect(headers['content-type']).toBe('application/json')
    expect(() => new Webhook('whsec_YWJjYWJjYWJjYWJjYWJjYWJj').verify(body, headers as never)).toThrow()
    expect(() => new Webhook(secret).verify(`${body} `, headers as never)).toThrow()
  })

  it('has two signatures for a day after its secret was rotated', async () => {
    const old = await make('rotated')
    const fresh = (await plane.api<Made>('POST', `${at}/rotated/secret`)).json
    expect(fresh.secret).not.toBe(old.secret)
    await test('rotated')
    const [{ headers, body }] = sentTo('rotated') as [Received]
    for (const { secret } of [old, fresh]) new Webhook(secret).verify(body, headers as Record<string, string>)
    expect(String(headers['webhook-signature']).split(' ')).toHaveLength(2)
  })

  it('follows no redirect', async () => {
    await make('moved')
    expect(await test('moved')).toMatchObject({
      ...{ state: 'given-up', status: 302, answer: 'a redirect, which is not followed' },
    })
    expect(sentTo('elsewhere')).toEqual([])
  })

  it('keeps the first bytes of an answer, however long it is', async () => {
    await make('broken')
    const { status, answer } = await test('broken')
    expect([status, answer?.length]).toEqual([500, 512])
  })

  it('says why there was no answer', async () => {
    await make('nobody', { url: 'http://127.0.0.1:1/hook?key=secret' })
    const tried = await test('nobody')
    expect(tried).toMatchObject({ state: 'given-up', status: null })
    expect(tried.answer).toMatch(/^no answer/)
    expect(tried.answer).not.toContain('secret')
  })
})

describe('events', () => {
  it('tell of a pass from its beginning to its end', async () => {
    await make('passes', { events: ['pass.started', 'pass.finished'] })
    await make('failures-only', { events: ['pass.failed'] })
    await startPass('told')
    const is = (type: string) => (came: Received) =>
      came.path === '/passes' && eventOf(came).type === type && came.body.includes('"told"')
    expect(eventOf(await receiver.next(is('pass.started'))).data).toMatchObject({
      ...{ migration: 'told', pass: 1, kind: 'copy', source: 's3://a/', destination: 's3://b/' },
    })
    await cancelPass('told')
    const finished = eventOf(await receiver.next(is('pass.finished')))
    expect(finished.data).toMatchObject({ migration: 'told', state: 'cancelled' })
    expect(finished.id).toBe('local_told_1_pass-finished')
    expect(sentTo('failures-only')).toEqual([])
  })

  it('are sentences to Slack', async () => {
    const made = await make('slack', {
      format: 'slack',
      url: `${receiver.url}/slack`,
      events: ['webhook.test'],
    })
    expect(made.address).toBe(`${receiver.url}/…`)
    await test('slack')
    expect(JSON.parse(sentTo('slack')[0]!.body)).toEqual({
      text: '[local] This is a test of the webhook slack',
    })
  })

  it('are tried again where they failed, and again by hand under their old id', async () => {
    await make('again', { url: `${receiver.url}/broken`, events: ['pass.started'] })
    await startPass('retried')
    const failed = await vi.waitFor(
      async () => {
        const [one] = await deliveries('again')
        expect(one).toMatchObject({ type: 'pass.started', state: 'waiting', status: 500, attempts: 1 })
        return one!
      },
      { timeout: 10_000, interval: 20 },
    )
    expect(failed.due! - failed.triedAt!).toBeGreaterThanOrEqual(4_500)
    const edited = await plane.api<WebhookView>('PATCH', `${at}/again`, { url: `${receiver.url}/again` })
    expect(edited).toMatchObject({ status: 200, json: { revision: 2 } })
    const { status, json } = await plane.api<DeliveryView>(
      'POST',
      `${at}/again/deliveries/${failed.id}/redeliver`,
    )
    expect(status).toBe(202)
    expect(json).toMatchObject({ event: 'local_retried_1_pass-started' })
    const came = await receiver.next(({ path }) => path === '/again')
    expect(came.headers['webhook-id']).toBe('local_retried_1_pass-started')
    await cancelPass('retried')
  })
})

describe('a webhook', () => {
  it('shows no secret but when it is made or rotated', async () => {
    const { secret } = await make('shy', { url: `${receiver.url}/shy?key=of-the-url` })
    const shown = await Promise.all([
      plane.api('GET', `${at}/shy`),
      plane.api('GET', at),
      plane.api('PATCH', `${at}/shy`, { events: ['agent.lost'] }),
      plane.api('GET', '/api/workspaces/local/audit'),
    ])
    expect(shown.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const text = JSON.stringify(shown)
    expect(text).toContain('shy?…')
    expect(text).not.toContain(secret.slice(6))
    expect(text).not.toContain('of-the-url')
    const rows = await (await plane.miniflare.getD1Database('DB')).prepare('SELECT * FROM webhooks').all()
    expect(JSON.stringify(rows.results)).not.toContain(secret.slice(6))
    expect(JSON.stringify(rows.results)).not.toContain('of-the-url')
  })

  it('is listed in pages', async () => {
    const page = (await plane.api<{ webhooks: WebhookView[]; cursor: string }>('GET', `${at}?limit=1`)).json
    expect(page.webhooks).toHaveLength(1)
    const next = await plane.api<{ webhooks: WebhookView[] }>('GET', `${at}?limit=1&cursor=${page.cursor}`)
    expect(next.json.webhooks[0]!.id > page.webhooks[0]!.id).toBe(true)
  })

  it.each([
    [{ id: 'Upper' }, 400],
    [{ id: 'nowhere', url: 'ftp://example.com/' }, 400],
    [{ id: 'unknown', events: ['pass.exploded'] }, 400],
    [{ id: 'more', surprise: 1 }, 400],
    [{ id: 'signed' }, 409],
  ])('is refused as %j', async (more, status) => {
    const body = { url: `${receiver.url}/x`, ...more }
    expect((await plane.api('POST', at, body)).status).toBe(status)
  })

  it('is changed only as it was read', async () => {
    await make('edited')
    const edit = (revision: number) =>
      fetch(new URL(`${at}/edited`, plane.url), {
        method: 'PATCH',
        headers: { authorization: `Bearer ${plane.token}`, 'if-match': `"${revision}"` },
        body: '{"disabled":true}',
      })
    expect((await edit(1)).headers.get('etag')).toBe('"2"')
    expect((await edit(1)).status).toBe(412)
    expect((await plane.api('POST', `${at}/edited/test`)).status).toBe(409)
  })

  it('is no more after its deletion, nor is what it was to get', async () => {
    await make('brief')
    await test('brief')
    expect((await plane.api('DELETE', `${at}/brief`)).status).toBe(204)
    expect((await plane.api('GET', `${at}/brief`)).status).toBe(404)
    await make('brief')
    expect(await deliveries('brief')).toEqual([])
  })
})

it('refuses plain http and private networks unless the deployment allows them', async () => {
  const strict = await startPlane()
  try {
    for (const url of [`${receiver.url}/x`, 'https://169.254.169.254/x', 'https://[::1]/x']) {
      expect((await strict.api('POST', at, { id: 'inside', url })).status).toBe(400)
    }
    expect((await strict.api('POST', at, { id: 'outside', url: 'https://example.com/x' })).status).toBe(201)
  } finally {
    await strict.stop()
  }
})
