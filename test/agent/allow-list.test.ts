import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addToAllowList, readAllowList } from '../../agent/allow/allow-file.ts'
import { formatEntry, holdToList, parseEntry } from '../../agent/allow/allow-list.ts'
import { DrayError } from '../../shared/error.ts'
import type { Location, S3Location } from '../../shared/location.ts'

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'dray-allow-')))
  mkdirSync(join(root, 'data', 'in'), { recursive: true })
  mkdirSync(join(root, 'secret'))
  symlinkSync(join(root, 'secret'), join(root, 'data', 'out'))
  symlinkSync(join(root, 'data'), join(root, 'alias'))
  symlinkSync(join(root, 'nowhere', 'x'), join(root, 'data', 'dangling'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const s3 = (bucket: string, over: Partial<S3Location> = {}): Location => ({
  kind: 's3',
  bucket,
  prefix: '',
  endpoint: null,
  region: null,
  profile: null,
  site: null,
  ...over,
})
const file = (path: string): Location => ({ kind: 'file', path, site: 'here' })
const allows = (entries: string[], location: Location): boolean => {
  try {
    holdToList({ file: '/state/allow', entries: entries.map(parseEntry) }, location)
    return true
  } catch (error) {
    if (error instanceof DrayError && error.code === 'access-denied') return false
    throw error
  }
}
const minio = 'https://minio.lan:9000'

describe('an entry of the allow-list', () => {
  it.each([
    ['s3://photos', 's3://photos'],
    ['  s3://photos/ ', 's3://photos'],
    ['s3://photos/2026/', 's3://photos/2026/'],
    ['s3://photos/2026/ at https://MINIO.lan:9000/', `s3://photos/2026/ at ${minio}`],
    ['s3://photos at https://s3.example.com:443', 's3://photos at https://s3.example.com'],
    ['https://s3.example.com/*', 'https://s3.example.com/*'],
    ['s3://*', 's3://*'],
    ['/srv/data/', '/srv/data'],
    ['/srv/../srv/data', '/srv/data'],
    ['*', '*'],
  ])('%j is %j', (text, normal) => expect(formatEntry(parseEntry(text))).toBe(normal))

  it.each([
    '',
    'photos',
    'srv/data',
    's3://',
    's3://photos/2026',
    's3://*/x/',
    'ftp://x/*',
    'https://x',
    's3://b at nowhere',
  ])('%j is none', (text) => expect(() => parseEntry(text)).toThrow(DrayError))
})

describe('a bucket', () => {
  it.each([
    [['s3://photos'], s3('photos'), true],
    [['s3://photos'], s3('photos', { prefix: 'a/' }), true],
    [['s3://photos'], s3('photos2'), false],
    [['s3://photos'], s3('Photos'), false],
    [['s3://photos'], s3('photos', { endpoint: minio }), false],
    [[`s3://photos at ${minio}`], s3('photos', { endpoint: 'https://minio.lan:9000/' }), true],
    [[`s3://photos at ${minio}`], s3('photos', { endpoint: 'https://MINIO.LAN:9000' }), true],
    [[`s3://photos at ${minio}`], s3('photos', { endpoint: 'http://minio.lan:9000' }), false],
    [[`s3://photos at ${minio}`], s3('photos', { endpoint: 'https://minio.lan:9001' }), false],
    [[`s3://photos at ${minio}`], s3('photos', { endpoint: 'https://minio.lan.evil.com:9000' }), false],
    [[`s3://photos at ${minio}`], s3('photos'), false],
    [['s3://photos/2026/'], s3('photos', { prefix: '2026/05/' }), true],
    [['s3://photos/2026/'], s3('photos', { prefix: '2026/' }), true],
    [['s3://photos/2026/'], s3('photos', { prefix: '2026-old/' }), false],
    [['s3://photos/2026/'], s3('photos'), false],
    [['s3://photos/2026/'], s3('photos', { prefix: '2026/../secret/' }), false],
    [[`${minio}/*`], s3('any', { endpoint: minio }), true],
    [[`${minio}/*`], s3('any'), false],
    [['s3://*'], s3('any'), true],
    [['s3://*'], s3('any', { endpoint: minio }), false],
    [['*'], s3('any', { endpoint: minio }), true],
    [[], s3('any'), false],
    [['s3://photos'], s3('photos', { region: 'x.evil.com/' }), false],
  ] as const)('by %j: %j → %j', (entries, location, expected) => {
    expect(allows([...entries], location)).toBe(expected)
  })
})

describe('a directory', () => {
  it.each([
    ['data', 'data', true],
    ['data', 'data/in', true],
    ['data', 'data/in/new/er', true],
    ['data', 'data2', false],
    ['data', '', false],
    ['data', 'secret', false],
    ['data', 'data/../secret', false],
    ['data', 'data/out/../data', false],
    ['data', 'data/./in', false],
    ['data', 'data/in/../../secret', false],
    // By the links that are there, not by what the path says.
    ['data', 'data/out', false],
    ['data', 'data/out/deeper', false],
    ['data', 'alias/in', true],
    ['alias', 'data/in', true],
    ['data', 'data/dangling', false],
  ])('%j allows %j: %j', (entry, path, expected) => {
    expect(allows([join(root, entry)], file(`${root}/${path}`))).toBe(expected)
  })
})

it('says which line to add, and where', () => {
  expect(() =>
    holdToList({ file: '/state/allow', entries: [] }, s3('b', { prefix: 'p/', endpoint: minio })),
  ).toThrow(
    expect.objectContaining({
      code: 'access-denied',
      hint: expect.stringContaining(`/state/allow: s3://b/p/ at ${minio}`),
    }),
  )
})

it('is a file with comments, which keeps what people wrote when more is added', () => {
  const dir = mkdtempSync(join(root, 'state-'))
  expect(readAllowList(dir).entries).toEqual([])
  writeFileSync(join(dir, 'allow'), '# ours\ns3://photos # all of it\n\n')
  const list = addToAllowList(dir, ['s3://photos', '/srv/data'])
  expect(list.entries.map(formatEntry)).toEqual(['s3://photos', '/srv/data'])
  chmodSync(join(dir, 'allow'), 0o664)
  expect(() => readAllowList(dir)).toThrow('others may write it')
  chmodSync(join(dir, 'allow'), 0o644)
  writeFileSync(join(dir, 'allow'), 'photos\n')
  expect(() => readAllowList(dir)).toThrow('photos')
})
