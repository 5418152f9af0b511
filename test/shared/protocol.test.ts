import { describe, expect, it } from 'vitest'
import { zeroCounts } from '../../shared/counts.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'
import {
  agentMessageSchema,
  fleetAgentMessageSchema,
  fleetPlaneMessageSchema,
  planeMessageSchema,
  protocolVersion,
} from '../../shared/protocol.ts'

const planned = {
  source: { token: 'etag-3', size: 25, mtime: 1, version: null },
  boundaries: [
    [10, 2],
    [5, 1],
  ],
  metadata: 'digest',
  asSource: true,
  hashing: false,
  packetBytes: 200_000_000,
}

/** Golden messages: what both sides must go on understanding until `protocolVersion` is raised. */
const agentMessages = [
  { t: 'hello', protocol: 3, agent: 'a', session: 's', started: 1, held: [{ packet: 1, generation: 2 }] },
  { t: 'free', n: 4 },
  { t: 'heartbeat', held: [], inFlight: { objects: 1, bytes: 2 } },
  {
    t: 'cut',
    seq: 1,
    packet: 1,
    generation: 1,
    from: null,
    cuts: [
      { through: 'a\xff', work: { objects: 1, bytes: 2 }, settled: null },
      { through: null, work: { objects: 0, bytes: 0 }, settled: zeroCounts() },
    ],
  },
  { t: 'split', seq: 2, packet: 1, generation: 1, at: 'm' },
  {
    t: 'outcome',
    seq: 3,
    packet: 2,
    generation: 1,
    through: 'a',
    counts: zeroCounts(),
    failures: [{ key: 'k\x01', code: 'changed', message: 'm', bytes: 1 }],
    report: true,
  },
  {
    t: 'failed',
    seq: 4,
    packet: 2,
    generation: 1,
    error: { code: 'unreachable', op: 'LIST s3://b/', message: 'm', retry: 'later', hint: null },
  },
  { t: 'release', seq: 5, held: [] },
  { t: 'expand', seq: 6, packet: 2, generation: 1, key: 'k\xff', planned },
  { t: 'opened', seq: 7, packet: 2, generation: 2, upload: 'id' },
  { t: 'parts', seq: 8, packet: 3, generation: 1, md5s: '0123456789abcdef'.repeat(2) },
  { t: 'parts', seq: 9, packet: 4, generation: 1, md5s: null },
  { t: 'collapse', seq: 10, packet: 5, generation: 1 },
  { t: 'cleared', seq: 11, upload: 1 },
]

const planeMessages = [
  {
    t: 'welcome',
    protocol: 3,
    migration: 'm',
    pass: { number: 1, options: defaultPassOptions, startedAt: 1 },
    source: { kind: 'file', path: '/a', site: 'local' },
    destination: {
      kind: 's3',
      bucket: 'b',
      prefix: 'p/',
      endpoint: null,
      region: null,
      profile: null,
      site: null,
    },
    filter: noFilter,
    heartbeatMs: 5000,
    leaseMs: 15000,
    lost: [],
  },
  {
    t: 'welcome',
    protocol: 3,
    migration: 'm',
    pass: { number: 1, options: defaultPassOptions, startedAt: 1 },
    source: { kind: 'file', path: '/a', site: 'local' },
    destination: { kind: 'file', path: '/b', site: 'local' },
    filter: noFilter,
    mapping: { kind: 'template', pattern: '(?<id>.)', to: '{id}', unmatched: 'fail' },
    manifest: { place: { kind: 'file', path: '/m', site: 'local' }, columns: ['key'], keys: null },
    heartbeatMs: 5000,
    leaseMs: 15000,
    lost: [],
    uploads: [{ id: 1, key: 'k', source: planned.source, begun: 1, upload: null }],
  },
  {
    t: 'lease',
    packets: [
      {
        id: 1,
        generation: 1,
        kind: 'survey',
        after: null,
        through: null,
        attempt: 1,
        work: { objects: 0, bytes: 0 },
      },
      {
        id: 3,
        generation: 1,
        kind: 'parts',
        after: null,
        through: 'k\xff',
        attempt: 1,
        work: { objects: 0, bytes: 20 },
        upload: {
          key: 'k\xff',
          planned,
          begun: 1,
          upload: 'id',
          parts: { first: 1, last: 2 },
          md5s: null,
          adopted: false,
          stale: ['old'],
        },
      },
    ],
  },
  { t: 'ack', seq: 1, hold: false },
  { t: 'refused', seq: 1, code: 'stale', message: 'generation 1 is not 2' },
  { t: 'proceed', packet: 1 },
  { t: 'please-split', packet: 1, parts: 2 },
  { t: 'drop', held: [{ packet: 1, generation: 1 }] },
  { t: 'end', pass: 1, state: 'complete' },
]

const facts = {
  version: '0.1.0',
  host: 'h',
  platform: 'linux x64',
  cores: 2,
  memory: 4096,
  health: { load: 0.5, stateFree: null },
  reach: [
    { endpoint: 'https://s3.example.com', ms: 12.5, error: null },
    { endpoint: 'http://10.0.0.9:9000', ms: null, error: 'connection refused' },
  ],
}

const fleetAgentMessages = [
  { t: 'hello', protocol: 3, agent: 'a', session: 's', started: 1, site: 'x', facts },
  { t: 'facts', facts },
  { t: 'draining' },
]

const fleetPlaneMessages = [
  { t: 'welcome', protocol: 3, heartbeatMs: 5000 },
  { t: 'assign', migrations: [{ id: 'm', weight: 1 }] },
]

describe('the wire', () => {
  it('is at the version that these golden messages are of', () => expect(protocolVersion).toBe(3))

  it.each(agentMessages)('takes an agent’s $t as it is', (message) => {
    expect(agentMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each(planeMessages)('takes the plane’s $t as it is', (message) => {
    expect(planeMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each(fleetAgentMessages)('takes an agent’s $t to the fleet as it is', (message) => {
    expect(fleetAgentMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each(fleetPlaneMessages)('takes the fleet’s $t as it is', (message) => {
    expect(fleetPlaneMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each([
    { t: 'nonsense' },
    { t: 'free' },
    { t: 'free', n: -1 },
    { t: 'free', n: 1, more: true },
    { t: 'split', seq: 1, packet: 1, generation: 1, at: '\u0100' },
    { t: 'split', seq: 1, packet: 0, generation: 1, at: 'a' },
    { t: 'cut', seq: 1, packet: 1, generation: 1, from: null, cuts: [] },
    null,
    [],
    'hello',
  ])('refuses %j', (message) => {
    expect(agentMessageSchema.safeParse(message).success).toBe(false)
  })
})
