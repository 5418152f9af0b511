import { expect, it } from 'vitest'
import { healthOf } from '../../web/console/health.ts'
import { someFacts } from '../support/facts.ts'

const agent = { connected: true, draining: false, revokedAt: null, seenAt: 1, twinAt: null, facts: someFacts }
const gone = { endpoint: 'https://s3.example.com', ms: null, error: 'ECONNREFUSED' }

it.each([
  ['is well', {}, 'healthy', []],
  [
    'does not reach a store',
    { facts: { ...someFacts, reach: [gone] } },
    'blocked',
    ['Cannot reach https://s3.example.com: ECONNREFUSED.'],
  ],
  [
    'has too much to do',
    { facts: { ...someFacts, health: { load: 7, stateFree: null } } },
    'strained',
    ['Busy: a load of 7.0 on 2 cores.'],
  ],
  [
    'has a full disk',
    { facts: { ...someFacts, health: { load: 0, stateFree: 1024 ** 2 } } },
    'strained',
    ['Little room: 1 MiB are left in its state directory.'],
  ],
  [
    'has a clock that is wrong',
    { facts: { ...someFacts, clockMs: 180_000 } },
    'strained',
    [expect.stringMatching(/^Its clock is 3 min behind/)],
  ],
  ['drains', { draining: true }, 'draining', []],
  ['is away', { connected: false }, 'away', []],
  ['was revoked', { connected: false, revokedAt: 2 }, 'revoked', []],
] as const)('an agent that %s', (_, its, is, why) => {
  expect(healthOf({ ...agent, ...its } as never)).toEqual({ is, why })
})
