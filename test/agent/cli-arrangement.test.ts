import { expect, it } from 'vitest'
import { migrationId } from '../../agent/cli/migration-id.ts'
import { parseRequest } from '../../agent/cli/request.ts'
import { noFilter } from '../../shared/policy.ts'
import { bucket } from './world.ts'

const arrangement = (options: object, source = '/a') =>
  parseRequest('copy', source, 's3://b', options, '/here').arrangement

it('takes a mapping', () => {
  expect(arrangement({ mapTo: 'x/{key}' })).toEqual({
    mapping: { kind: 'template', pattern: null, to: 'x/{key}', unmatched: 'fail' },
  })
  expect(arrangement({ mapTo: '{n}', mapPattern: '(?<n>.)', mapUnmatched: 'keep' })).toEqual({
    mapping: { kind: 'template', pattern: '(?<n>.)', to: '{n}', unmatched: 'keep' },
  })
  expect(arrangement({ mapPrefix: 'a/=', mapUnmatched: 'skip' })).toEqual({
    mapping: { kind: 'prefix', from: 'a/', to: '', unmatched: 'skip' },
  })
  expect(arrangement({})).toEqual({})
})

it('takes a manifest', () => {
  expect(
    arrangement({ manifest: 'list.csv', manifestColumns: 'key, -,newKey', manifestKeys: 'url' }),
  ).toEqual({
    manifest: {
      place: { kind: 'file', path: '/here/list.csv', site: 'local' },
      columns: ['key', '-', 'newKey'],
      keys: 'url',
    },
  })
  expect(arrangement({ manifest: 's3://lists/a/b.gz' }, 's3://a')).toEqual({
    manifest: { place: { kind: 's3', bucket: 'lists', key: 'a/b.gz' }, columns: null, keys: null },
  })
})

it.each([
  [{ mapTo: '{id}' }, '--map-to is wrong: there is no {id}'],
  [{ mapTo: 'x', mapPattern: '(' }, '--map-pattern is no regular expression'],
  [{ mapPattern: 'x' }, '--map-pattern is given without --map-to'],
  [{ mapUnmatched: 'skip' }, '--map-unmatched is given without --map-to'],
  [{ mapPrefix: 'a=b=c' }, '--map-prefix is not FROM=TO: a=b=c'],
  [{ mapPrefix: 'a=b', mapTo: 'x' }, '--map-prefix and --map-to are both given'],
  [{ mapTo: '{key}x', delete: true, include: ['*.pdf'] }, '--delete cannot go with a mapping and a filter'],
  [{ mapTo: '{key}x', versions: 'all' }, '--versions all cannot go with --map-to'],
  [{ manifest: 'list', delete: true }, '--delete cannot go with --manifest'],
  [{ manifest: 's3://lists/list' }, '--manifest is in a bucket, but SRC is a path'],
  [{ manifest: 'http://lists/list' }, '--manifest is neither a path nor s3://'],
  [{ manifest: 's3://lists' }, '--manifest names no manifest'],
  [{ manifest: 'x', manifestColumns: 'kez' }, '--manifest-columns has something that is no column: kez'],
  [{ manifest: 'x', manifestColumns: 'newKey' }, '--manifest-columns has no key'],
  [{ manifestKeys: 'url' }, '--manifest-keys is given without --manifest'],
])('refuses %j', (options, why) => expect(() => arrangement(options)).toThrow(why))

it('knows migrations apart by it, and those without it as before', () => {
  const plain = { source: bucket('a'), destination: bucket('b'), filter: noFilter }
  expect(migrationId({ ...plain, ...arrangement({}) })).toBe(migrationId(plain))
  const ids = [{}, { mapTo: 'x/{key}' }, { mapTo: 'y/{key}' }, { manifest: 'a' }, { manifest: 'b' }]
  expect(new Set(ids.map((options) => migrationId({ ...plain, ...arrangement(options) }))).size).toBe(5)
})
