import { expect, it } from 'vitest'
import { migrationId } from '../../agent/cli/migration-id.ts'
import { below, overlapOfPaths } from '../../agent/looking/overlap.ts'
import { identityOf } from '../../agent/storage/s3/store-identity.ts'
import type { NewMigration } from '../../shared/api/migrations.ts'
import { idSchema } from '../../shared/id.ts'
import { overlapOfPrefixes } from '../../shared/overlap.ts'
import { noFilter } from '../../shared/policy.ts'

const migration: NewMigration = {
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
}
const filtered = (include: string[], exclude: string[] = [], only: string | null = null) =>
  migrationId({ ...migration, filter: { include, exclude, only } })

it('gives the same command the same migration, now and in later versions', () => {
  expect(migrationId(migration)).toBe('40a41324cfc32fe1')
  expect(idSchema.safeParse(migrationId(migration)).success).toBe(true)
})

it('minds neither the order nor the repetition of patterns, nor the order of members', () => {
  expect(filtered(['a', 'b'])).toBe(filtered(['b', 'a', 'b']))
  expect(
    migrationId(
      structuredClone({ filter: noFilter, destination: migration.destination, source: migration.source }),
    ),
  ).toBe(migrationId(migration))
})

it('tells apart whatever defines a migration', () => {
  const ids = [
    migrationId(migration),
    migrationId({ ...migration, source: { kind: 'file', path: '/b', site: 'local' } }),
    migrationId({ ...migration, source: migration.destination, destination: migration.source }),
    migrationId({ ...migration, destination: { ...migration.destination, endpoint: 'http://x' } as never }),
    migrationId({ ...migration, destination: { ...migration.destination, profile: 'x' } as never }),
    filtered(['x']),
    filtered([], ['x']),
    filtered([], [], 'x'),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})

it.each([
  ['/a', '/a', { is: 'same' }],
  ['/a', '/a/b', { is: 'destination-inside' }],
  ['/a/b/c', '/a', { is: 'source-inside', below: 'b/c/' }],
  ['/a', '/ab', { is: 'apart' }],
  ['/', '/a', { is: 'destination-inside' }],
  ['/a', '/', { is: 'source-inside', below: 'a/' }],
])('sees that from %s to %s', (source, destination, overlap) => {
  expect(overlapOfPaths(source, destination)).toEqual(overlap)
})

it.each([
  ['', '', { is: 'same' }],
  ['', 'a/', { is: 'destination-inside' }],
  ['a/', '', { is: 'source-inside', below: 'a/' }],
  ['a/', 'ab/', { is: 'apart' }],
  ['a/', 'a//', { is: 'destination-inside' }],
])('sees that from prefix "%s" to "%s"', (source, destination, overlap) => {
  expect(overlapOfPrefixes(source, destination)).toEqual(overlap)
})

it('finds the way down, and only down', () => {
  expect(below('/a', '/a/b/c')).toBe('b/c')
  expect(below('/', '/a')).toBe('a')
  expect(below('/a', '/a')).toBeNull()
  expect(below('/a', '/')).toBeNull()
  expect(below('/a', '/ab')).toBeNull()
  expect(below('/a', '/a/..b')).toBe('..b')
})

it('knows one store by its different names', () => {
  expect(identityOf('http://localhost:9000')).toBe(identityOf('http://127.0.0.1:9000/'))
  expect(identityOf('https://s3.eu-west-1.amazonaws.com')).toBe(identityOf(null))
  expect(identityOf('https://x.example')).toBe(identityOf('https://x.example:443/'))
  expect(identityOf('http://localhost:9000')).not.toBe(identityOf('http://localhost:9001'))
  expect(identityOf('http://a.example')).not.toBe(identityOf('http://b.example'))
})
