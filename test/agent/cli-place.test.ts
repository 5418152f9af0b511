import { describe, expect, it } from 'vitest'
import { folderPrefix, parsePlace, splitKey } from '../../agent/cli/place.ts'
import { DrayError } from '../../shared/error.ts'

const s3 = (bucket: string, key: string) => ({ kind: 's3', bucket, key })
const file = (path: string, folder = false) => ({ kind: 'file', path, folder })

describe('what people write as SRC and DST', () => {
  it.each([
    ['s3://b', s3('b', '')],
    ['s3://b/', s3('b', '')],
    ['s3://b/photos', s3('b', 'photos')],
    ['s3://b/photos/', s3('b', 'photos/')],
    ['s3://b/a//b', s3('b', 'a//b')],
    ['s3://b//a', s3('b', '/a')],
    ['s3://b//', s3('b', '/')],
    ['s3://b/../x', s3('b', '../x')],
    ['s3://b/a%20b+c?d#e', s3('b', 'a%20b+c?d#e')],
    ['s3://b/ü/𝄞', s3('b', 'ü/𝄞')],
    ['S3://b/x', s3('b', 'x')],
    ['s3://tenant:b/x', s3('tenant:b', 'x')],
    ['/srv/photos', file('/srv/photos')],
    ['/srv/photos/', file('/srv/photos', true)],
    ['photos', file('/home/me/photos')],
    ['./photos/../x', file('/home/me/x')],
    ['.', file('/home/me', true)],
    ['..', file('/home', true)],
    ['a/..', file('/home/me', true)],
    ['/', file('/', true)],
    ['a:b', file('/home/me/a:b')],
    ['b/s3://x', file('/home/me/b/s3:/x')],
  ])('%s', (text, place) => expect(parsePlace(text, 'SRC', '/home/me')).toEqual(place))

  it.each([
    ['', 'SRC is empty'],
    ['s3://', 'SRC names no bucket: s3://'],
    ['s3:///photos', 'SRC names no bucket: s3:///photos'],
    ['s3:b/x', 'SRC begins with "s3:" but not with "s3://": s3:b/x'],
    ['s3:/b/x', 'SRC begins with "s3:" but not with "s3://": s3:/b/x'],
    ['s3://a b/x', 'SRC has a bucket name that S3 does not allow: a b'],
    ['s3://b?x/y', 'SRC has a bucket name that S3 does not allow: b?x'],
    [`s3://b/${'ü'.repeat(513)}`, 'SRC has a prefix of more than 1,024 bytes'],
    ['file:///srv', 'SRC is a URL: file:///srv'],
    ['gs://b/x', 'SRC is neither a path nor s3://…: gs://b/x'],
    ['https://b.example/x', 'SRC is neither a path nor s3://…: https://b.example/x'],
    [`/${'x'.repeat(4096)}`, 'SRC is a path of more than 4,096 bytes'],
  ])('refuses %s', (text, message) => {
    const thrown = failureOf(() => parsePlace(text, 'SRC', '/home/me'))
    expect(thrown).toMatchObject({ code: 'usage', message })
    expect(thrown.hint).not.toBeNull()
  })
})

it('takes a prefix for a folder, with or without its slash', () => {
  expect(['', 'photos', 'photos/', 'a//', '/'].map(folderPrefix)).toEqual([
    '',
    'photos/',
    'photos/',
    'a//',
    '/',
  ])
})

it('splits an object into its folder and its name, empty segments kept', () => {
  expect(splitKey('a')).toEqual({ prefix: '', name: 'a' })
  expect(splitKey('a/b/c')).toEqual({ prefix: 'a/b/', name: 'c' })
  expect(splitKey('a//b')).toEqual({ prefix: 'a//', name: 'b' })
  expect(splitKey('/b')).toEqual({ prefix: '/', name: 'b' })
})

function failureOf(act: () => unknown): DrayError {
  try {
    act()
  } catch (error) {
    if (error instanceof DrayError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
