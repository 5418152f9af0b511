/** What the New migration page makes of what is typed: a migration, a document for `dray apply`, a command. */
import { describe, expect, it } from 'vitest'
import { readDocument } from '../../agent/cli/apply/document.ts'
import type { MigrationView } from '../../shared/api/migrations.ts'
import { defaultFollow } from '../../shared/life.ts'
import { followOf } from '../../web/console/follow/draft.ts'
import { commandOf, quoted } from '../../web/console/new-migration/command.ts'
import { documentOf } from '../../web/console/new-migration/document.ts'
import {
  type Draft,
  definitionOf,
  draftLike,
  draftSchema,
  emptyDraft,
  missing,
} from '../../web/console/new-migration/draft.ts'

const bucket = { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null } as const
const likes: Record<string, Pick<MigrationView, 'source' | 'destination'> & Partial<MigrationView>> = {
  'two connections': {
    source: { ...bucket, bucket: 'old', prefix: "it's/", connection: 'a' },
    destination: { ...bucket, bucket: 'new', connection: 'b', site: 'paris' },
    filter: { include: ['*.jpg', 'a b/**'], exclude: ['$HOME/`x`'], only: null },
    policy: {
      delete: false,
      compare: 'mtime',
      fidelity: { tags: 'drop', storageClass: { to: { '*': 'STANDARD_IA' } } },
    },
    priority: 'high',
  },
  'a directory and a store without a connection': {
    source: { kind: 'file', path: '/srv/new papers', site: 'rome' },
    destination: {
      ...bucket,
      bucket: 'b',
      endpoint: 'https://s3.example.com',
      profile: 'me',
      region: 'eu',
      customerKey: 'mine',
    },
    policy: { symlinks: 'follow', delete: true },
  },
  'a template and a manifest': {
    source: { ...bucket, bucket: 'old', anonymous: true },
    destination: { ...bucket, bucket: 'new', connection: 'b' },
    mapping: {
      kind: 'template',
      pattern: '(?<id>\\d+)/(?<name>.+)',
      to: '{id:04}/{name}',
      unmatched: 'skip',
    },
    manifest: { place: { kind: 's3', bucket: 'lists', key: 'keys.csv' }, columns: ['key', '-'], keys: 'url' },
    policy: { archived: 'restore', restoreDays: 3, restoreTier: 'Bulk', conflicts: 'park' },
  },
  'one object, and another beginning': {
    source: { ...bucket, bucket: 'old', connection: 'a' },
    destination: { ...bucket, bucket: 'new', connection: 'b' },
    filter: { include: [], exclude: [], only: 'a/b.txt' },
    mapping: { kind: 'prefix', from: 'a/', to: 'z/', unmatched: 'fail' },
  },
  'one that follows otherwise than usual': {
    source: { kind: 'file', path: '/srv/papers', site: 'rome' },
    destination: { ...bucket, bucket: 'new', connection: 'b' },
    policy: {
      delete: true,
      deleteAfter: 604_800,
      deleteCap: { objects: 500, share: null },
    },
    follow: {
      ...{ pauseAtLeast: 1, pauseAtMost: 60, lag: 30, quiet: 0, depth: 'full', sample: 0.05 },
      events: [
        { kind: 'webhook' },
        { kind: 'sqs', queue: 'https://sqs.example.com/1/changes', region: 'eu', profile: null },
        { kind: 'watch' },
      ],
      baseline: { ...bucket, bucket: 'known', prefix: 'papers/', connection: 'b' },
    },
  },
}
const migrations = Object.entries(likes).map(([name, like]) => {
  const filter = { include: [], exclude: [], only: null }
  const whole = { id: 'old', createdAt: 1, revision: 1, pass: null, filter, policy: {}, priority: 'normal' }
  return [name, { ...whole, follow: defaultFollow, ...like } as MigrationView] as const
})

describe('a draft', () => {
  it.each(migrations)('is like the migration that it was made of: %s', (_, migration) => {
    const draft = draftLike(migration)
    const { source, destination, filter, mapping, manifest, policy } = migration
    const { delete: isDelete, ...rest } = policy
    expect(definitionOf(draft)).toEqual({
      ...{ source, destination, filter, ...(mapping && { mapping }), ...(manifest && { manifest }) },
      policy: { ...rest, ...(isDelete && { delete: true }) },
    })
    expect(draftSchema.parse(JSON.parse(JSON.stringify(draft)))).toEqual(draft)
    expect(missing(draft)).toEqual(['name'])
    expect(followOf(draft.follow)).toEqual(migration.follow)
  })

  it('says what is missing, in the order of the page', () => {
    expect(missing(emptyDraft)).toEqual(['name', 'source', 'destination'])
    expect(definitionOf(emptyDraft)).toBeNull()
    const named: Draft = { ...draftLike(migrations[0]![1]), id: 'photos' }
    expect(missing(named)).toEqual([])
    const blind: Draft = {
      ...named,
      mapping: { ...named.mapping, kind: 'template', template: '{nothing}' },
      options: { ...named.options, delete: true },
    }
    expect(missing(blind)).toEqual(['keys', 'policy'])
    const queues = [{ queue: 'changes', region: '', profile: '', connection: '' }]
    expect(missing({ ...named, follow: { ...named.follow, queues } })).toEqual(['follow'])
    expect(missing({ ...named, follow: { ...named.follow, pauseAtLeast: 86_400 } })).toEqual(['follow'])
  })
})

describe('a document', () => {
  it.each(migrations)('says the same to `dray apply`: %s', (_, migration) => {
    const definition = definitionOf(draftLike(migration))!
    const { priority, follow } = migration
    const text = documentOf({ id: 'photos', definition, follow, priority }, [], 'one\ntwo')
    expect(text).toMatch(/^# one\n# two\nmigrations:\n {2}photos:\n/)
    expect(readDocument(text, 'photos.yaml').wanted).toEqual({
      migrations: { photos: { ...definition, follow, priority } },
    })
  })

  it('has the connections that were made on the way, without a secret', () => {
    const definition = definitionOf(draftLike(migrations[0]![1]))!
    const connection = {
      ...{ id: 'a', kind: 's3' as const, endpoint: 'https://s3.example.com', region: null, pathStyle: false },
      ...{
        requesterPays: true,
        sites: ['paris'],
        secretVersion: 1,
        rotate: [],
        revision: 1,
        createdAt: 1,
        updatedAt: 1,
      },
    }
    for (const [credential, word] of [
      [{ kind: 'sealed' }, 'sealed'],
      [{ kind: 'profile', profile: null }, 'default'],
      [{ kind: 'profile', profile: 'backup' }, { profile: 'backup' }],
      [{ kind: 'anonymous' }, 'anonymous'],
    ] as const) {
      const made = [{ ...connection, credential }]
      const text = documentOf(
        { id: 'photos', definition, follow: defaultFollow, priority: 'normal' },
        made,
        'x',
      )
      expect(readDocument(text, 'photos.yaml').wanted.connections).toEqual({
        a: {
          ...{ endpoint: 'https://s3.example.com', region: null, pathStyle: false, requesterPays: true },
          ...{ sites: ['paris'], credential: word },
        },
      })
    }
  })
})

describe('a command', () => {
  const command = (name: string, workspace = 'local') => {
    const migration = migrations.find(([of]) => of === name)![1]
    const definition = definitionOf(draftLike(migration))!
    const { priority, follow } = migration
    return commandOf({ id: 'photos', definition, follow, priority }, workspace)
  }

  it('says what is other than usual', () => {
    expect(command('two connections', 'acme')!.split(' \\\n  ')).toEqual([
      "dray migration create photos 's3://old/it'\\''s/' s3://new/",
      ...['--source-connection a', '--destination-connection b', '--destination-site paris'],
      ...["--include '*.jpg'", "--include 'a b/**'", "--exclude '$HOME/`x`'"],
      ...[
        '--compare mtime',
        '--storage-class STANDARD_IA',
        '--tags drop',
        '--priority high',
        '--workspace acme',
      ],
    ])
    expect(command('a directory and a store without a connection')!.split(' \\\n  ')).toEqual([
      "dray migration create photos '/srv/new papers' s3://b/",
      ...['--source-site rome', '--destination-endpoint https://s3.example.com', '--destination-region eu'],
      ...['--destination-profile me', '--destination-customer-key mine', '--delete', '--symlinks follow'],
    ])
    expect(command('one that follows otherwise than usual')!.split(' \\\n  ')).toEqual([
      'dray migration create photos /srv/papers s3://new/',
      ...['--source-site rome', '--destination-connection b', '--delete', '--delete-after 604800s'],
      ...['--max-delete 500', '--pause-at-least 1s', '--pause-at-most 60s', '--lag 30s'],
      ...['--quiet 0s', '--verify-depth full', '--sample 0.05', '--events webhook'],
      ...['--events sqs:https://sqs.example.com/1/changes', '--events watch', '--events-region eu'],
      ...['--baseline s3://known/papers/', '--baseline-connection b'],
    ])
    expect(command('one object, and another beginning')).toContain('--only a/b.txt \\\n  --map-prefix a/=z/')
  })

  it('is none where its options cannot say it', () => {
    const [, migration] = migrations[0]!
    const mapping = { kind: 'prefix', from: 'a=b/', to: 'c/', unmatched: 'fail' } as const
    const definition = { ...definitionOf(draftLike(migration))!, mapping }
    const defined = { id: 'photos', definition, follow: defaultFollow, priority: 'normal' } as const
    expect(commandOf(defined, 'local')).toBeNull()
  })

  it('is quoted for a shell', () => {
    expect(quoted('a/b-c_1=2')).toBe('a/b-c_1=2')
    expect(quoted('')).toBe("''")
    expect(quoted('~root')).toBe("'~root'")
  })
})
