import { describe, expect, it } from 'vitest'
import { zeroCounters } from '../../../control-plane/core/counters.ts'
import {
  eventOf,
  type Moved,
  type PassNow,
  parkedLevel,
  passEvents,
} from '../../../control-plane/core/events.ts'
import { sentence, slackBody } from '../../../control-plane/core/sentence.ts'
import { type WebhookEvent, webhookEventSchema } from '../../../shared/api/webhook-events.ts'
import { defaultPassOptions } from '../../../shared/policy.ts'

const place = (bucket: string) =>
  ({ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null }) as const
const definition: Moved = {
  id: 'orders',
  workspace: 'acme',
  source: place('old'),
  destination: place('new'),
}
const pass = (row: Partial<PassNow> = {}, parked = 0): PassNow => {
  const counters = zeroCounters()
  counters.packets.parked = parked
  return {
    ...{ number: 3, state: 'running', options: defaultPassOptions, startedAt: 1_000, endedAt: null },
    counters,
    ...row,
  }
}
const types = (events: WebhookEvent[]) => events.map(({ type }) => type)
const running = (parked = 0) => ({ state: 'running' as const, parked, asked: false, stuck: 0 })

describe('events of a pass', () => {
  it('tell that it began', () => {
    const events = passEvents(definition, null, pass(), 2_000)
    expect(types(events)).toEqual(['pass.started'])
    expect(events[0]).toMatchObject({
      id: 'acme_orders_3_pass-started',
      timestamp: '1970-01-01T00:00:01.000Z',
    })
  })

  it.each([
    ['complete', 'pass.finished'],
    ['cancelled', 'pass.finished'],
    ['incomplete', 'pass.failed'],
  ] as const)('tell that it is %s as %s', (state, type) => {
    expect(types(passEvents(definition, running(), pass({ state, endedAt: 9_000 }), 9_000))).toEqual([type])
  })

  it('tell both of a pass that ended in the transaction in which it began', () => {
    const ended = pass({ state: 'complete', endedAt: 1_000 })
    expect(types(passEvents(definition, null, ended, 1_000))).toEqual(['pass.started', 'pass.finished'])
  })

  it('tell of parked packets at the first, and at each power of ten', () => {
    expect(types(passEvents(definition, running(0), pass({}, 1), 0))).toEqual(['packets.parked'])
    expect(passEvents(definition, running(1), pass({}, 9), 0)).toEqual([])
    const [event] = passEvents(definition, running(9), pass({}, 230), 0)
    expect(event).toMatchObject({ id: 'acme_orders_3_100_packets-parked', data: { parked: 230 } })
    expect([0, 1, 9, 10, 99, 100, 1_000_000].map(parkedLevel)).toEqual([0, 1, 1, 10, 10, 100, 1_000_000])
  })

  it('are what their schema says', () => {
    for (const after of [
      pass({}, 12),
      pass({ state: 'incomplete', endedAt: 5 }, 1),
      pass({ state: 'complete', endedAt: 5 }),
    ]) {
      for (const event of passEvents(definition, null, after, 5)) {
        expect(webhookEventSchema.parse(JSON.parse(JSON.stringify(event)))).toEqual(event)
      }
    }
  })
})

describe('a sentence', () => {
  it('says what matters', () => {
    const counters = zeroCounters()
    Object.assign(counters.counts.objects, { listed: 12_345, copied: 12_000, same: 344, failed: 1 })
    counters.causes['access-denied'] = { objects: 1, message: 'GET s3://old/secret-name: denied' } as never
    const ended = pass({ state: 'incomplete', startedAt: 0, endedAt: 3_725_000, counters })
    const [event] = passEvents(definition, running(), ended, 0)
    expect(sentence(event!)).toBe(
      'Pass 3 of orders (copy) ended incomplete after 1 h 2 min: 12,345 objects, 12,000 copied, 344 same, 1 failed (1 access-denied)',
    )
    expect(JSON.stringify(event)).not.toContain('secret-name')
  })

  it('escapes for Slack what it would take for markup', () => {
    const data = { agent: 'a', site: '<!channel> & co', stayed: 2, left: 1 }
    const { text } = JSON.parse(slackBody(eventOf('acme', 'agent.duplicate', ['a'], 0, data)))
    expect(text).toContain('[acme] Two processes work as agent a of site &lt;!channel&gt; &amp; co')
  })
})
