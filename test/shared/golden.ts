/** Golden messages: what both sides must go on understanding until `protocolVersion` is raised. */
import { zeroCounts } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'

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

export const agentMessages = [
  { t: 'hello', protocol: 5, session: 's', started: 1, held: [{ packet: 1, generation: 2 }] },
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
  { t: 'changed', seq: 12, side: 'source', changes: [{ key: 'a' as Key, at: 1_000 }] },
]

export const planeMessages = [
  {
    t: 'welcome',
    protocol: 5,
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
    protocol: 5,
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
        deletes: 0,
      },
      {
        id: 3,
        generation: 1,
        kind: 'parts',
        after: null,
        through: 'k\xff',
        attempt: 1,
        work: { objects: 0, bytes: 20 },
        deletes: 0,
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
  { t: 'please-yield', packet: 1 },
  { t: 'drop', held: [{ packet: 1, generation: 1 }] },
  { t: 'end', pass: 1, state: 'complete' },
]

const envelope = `dray-seal-1.${'A'.repeat(43)}.${'B'.repeat(40)}`

export const facts = {
  version: '0.1.0',
  host: 'h',
  platform: 'linux x64',
  cores: 2,
  memory: 4096,
  health: { load: 0.5, stateFree: null },
  clockMs: -120_000,
  reach: [
    { endpoint: 'https://s3.example.com', ms: 12.5, error: null },
    { endpoint: 'http://10.0.0.9:9000', ms: null, error: 'connection refused' },
  ],
}

export const fleetAgentMessages = [
  { t: 'hello', protocol: 5, session: 's', started: 1, facts },
  { t: 'facts', facts },
  { t: 'draining' },
  { t: 'doing', ms: 5000, migrations: [{ id: 'photos', packets: 4, objects: 12, bytes: 3_000_000_000 }] },
  { t: 'doing', ms: 5000, migrations: [] },
  {
    t: 'usage',
    seq: 3,
    applied: 1_700_000_000_001,
    endpoints: [
      {
        endpoint: 'https://s3.example.com',
        ms: 1000,
        bytes: 1,
        requests: 2,
        inFlight: 3,
        held: { bandwidth: true, requests: false, concurrency: false },
        share: { bandwidth: 0.5, requests: null, concurrency: 4 },
      },
      {
        endpoint: 'file:x',
        ms: 0,
        bytes: 0,
        requests: 0,
        inFlight: 0,
        held: { bandwidth: true, requests: true, concurrency: true },
        share: null,
      },
    ],
  },
  {
    t: 'answer',
    request: 'r',
    answer: {
      kind: 'test-connection',
      test: {
        checks: [
          { check: 'list', outcome: 'yes', code: null, message: '', hint: null, ms: 1.5 },
          { check: 'write', outcome: 'no', code: 'access-denied', message: 'm', hint: 'h', ms: 2 },
        ],
        store: 'Ceph',
        skewMs: -1000,
        latencyMs: 1.5,
      },
    },
  },
  { t: 'answer', request: 'r', answer: { kind: 'reseal', envelope } },
  {
    t: 'answer',
    request: 'r',
    answer: {
      kind: 'browse',
      entries: [
        { kind: 'folder', name: 'caf\xc3\xa9/', bytes: null, modifiedAt: null, storageClass: null },
        { kind: 'object', name: '', bytes: 0, modifiedAt: 1_700_000_000_000, storageClass: 'GLACIER' },
        { kind: 'symlink', name: '\xff\u0000', bytes: 4, modifiedAt: -1, storageClass: null },
      ],
      next: '\xff\u0000',
    },
  },
  {
    t: 'answer',
    request: 'r',
    answer: {
      kind: 'scan',
      taken: { objects: 2, bytes: 7 },
      left: { objects: 1, bytes: 0 },
      narrowed: true,
      others: 1,
      storageClasses: { STANDARD: { objects: 1, bytes: 3 }, GLACIER: { objects: 1, bytes: 4 } },
      archived: { objects: 1, bytes: 4 },
      sizes: [2, 0, 0, 0, 0],
      largest: { key: 'a', bytes: 4 },
      samples: { taken: ['a', '\xff'], left: ['b'] },
      next: null,
      ms: 5000,
    },
  },
  {
    t: 'answer',
    request: 'r',
    answer: {
      kind: 'preflight',
      findings: [
        { kind: 'read', side: 'source', outcome: 'good', code: null, message: 'm', hint: null },
        { kind: 'write', side: 'destination', outcome: 'stops', code: 'read-only', message: 'm', hint: 'h' },
      ],
    },
  },
  {
    t: 'answer',
    request: 'r',
    answer: {
      kind: 'open-uploads',
      ...{ ours: 1, others: 2, more: false },
      samples: [
        { key: 'a', begun: 1_800_000_000_000 },
        { key: '\xff', begun: 1_800_000_000_001 },
      ],
    },
  },
  { t: 'answer', request: 'r', answer: { kind: 'abort-uploads', aborted: 2 } },
  {
    t: 'answer',
    request: 'r',
    answer: {
      kind: 'refused',
      error: { code: 'access-denied', op: 'o', message: 'm', retry: 'never', hint: null },
    },
  },
  {
    t: 'usage',
    seq: 1,
    applied: 0,
    endpoints: [
      {
        endpoint: 'https://s3.example.com',
        ms: 1000,
        bytes: 5,
        requests: 2,
        inFlight: 1,
        held: { bandwidth: true, requests: false, concurrency: false },
        share: null,
      },
    ],
  },
]

export const fleetPlaneMessages = [
  { t: 'welcome', protocol: 5, heartbeatMs: 5000 },
  { t: 'assign', migrations: [{ id: 'm', weight: 1 }] },
  { t: 'limited', endpoints: ['https://s3.example.com', 'file:x'] },
  {
    t: 'budget',
    number: 1_700_000_000_001,
    heard: 3,
    validMs: 15_000,
    shares: [{ endpoint: 'file:x', share: { bandwidth: 8000, requests: 1.5, concurrency: null } }],
  },
  {
    t: 'ask',
    request: 'r',
    ask: {
      kind: 'test-connection',
      location: {
        kind: 's3',
        bucket: 'b',
        prefix: '',
        endpoint: null,
        region: null,
        profile: null,
        site: null,
      },
    },
  },
  {
    t: 'ask',
    request: 'r',
    ask: {
      kind: 'reseal',
      connection: 'archive',
      endpoint: 'https://s3.example.com',
      version: 1,
      agent: 'a',
      certificate: {
        workspace: 'w',
        site: 'x',
        agent: 'a',
        signing: 'A'.repeat(43),
        sealing: 'B'.repeat(43),
        issuedAt: 1,
        signature: 'C'.repeat(86),
      },
    },
  },
  {
    t: 'ask',
    request: 'r',
    ask: { kind: 'browse', at: { kind: 'file', path: '/srv', site: 'x' }, after: '\xff' },
  },
  {
    t: 'ask',
    request: 'r',
    ask: {
      kind: 'browse',
      at: {
        kind: 'store',
        connection: 'archive',
        endpoint: null,
        region: null,
        profile: null,
        site: null,
        sealed: true,
        sites: ['x'],
      },
      after: null,
    },
  },
  {
    t: 'ask',
    request: 'r',
    ask: {
      kind: 'scan',
      location: { kind: 'file', path: '/srv', site: 'x' },
      filter: { include: ['*.jpg'], exclude: [], only: null },
      after: null,
    },
  },
  {
    t: 'ask',
    request: 'r',
    ask: {
      kind: 'preflight',
      source: { kind: 'file', path: '/srv', site: 'x' },
      destination: { kind: 'file', path: '/mnt', site: 'x' },
      filter: { include: [], exclude: [], only: null },
      options: defaultPassOptions,
    },
  },
  {
    t: 'ask',
    request: 'r',
    ask: {
      kind: 'open-uploads',
      location: { kind: 'file', path: '/srv', site: 'x' },
      filter: { include: ['*.jpg'], exclude: [], only: null },
    },
  },
  {
    t: 'ask',
    request: 'r',
    ask: {
      kind: 'abort-uploads',
      location: { kind: 'file', path: '/srv', site: 'x' },
      uploads: [
        { key: 'a', upload: 'u', begun: 1_800_000_000_000 },
        { key: '\xff', upload: null, begun: 1_800_000_000_001 },
      ],
    },
  },
  { t: 'drain' },
  { t: 'limited', endpoints: ['https://s3.example.com'] },
  {
    t: 'budget',
    number: 1,
    heard: 1,
    validMs: 5000,
    shares: [
      {
        endpoint: 'https://s3.example.com',
        share: { bandwidth: 1.5, requests: null, concurrency: 2 },
      },
    ],
  },
]
