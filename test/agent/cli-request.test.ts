import { expect, it } from 'vitest'
import { policyText } from '../../agent/cli/migrations.ts'
import { deleteCap } from '../../agent/cli/options.ts'
import { givenPass, parseEndpoint, parseRequest } from '../../agent/cli/request.ts'
import { findToken } from '../../agent/cli/token.ts'

const request = (options: object, source = 's3://a', destination = '/b') =>
  parseRequest('copy', source, destination, options, '/')

it('keeps the sides apart', () => {
  const { source, destination } = parseRequest(
    'copy',
    's3://a',
    's3://b',
    { sourceProfile: 'p', destinationEndpoint: 'http://h:1/', destinationRegion: 'r' },
    '/',
  )
  expect(source.options).toEqual({ profile: 'p', endpoint: null, region: null })
  expect(destination.options).toEqual({ profile: null, endpoint: 'http://h:1', region: 'r' })
})

it('says on what terms the source is read', () => {
  expect(request({ sourceAnonymous: true }).source.options).toMatchObject({ anonymous: true })
  expect(request({ sourceRequesterPays: true }).source.options).toMatchObject({ requesterPays: true })
})

it.each<[object, string, string?]>([
  [{ destinationProfile: 'p' }, '--destination-profile is given, but DST is a path'],
  [{ sourceRegion: '' }, '--source-region is empty'],
  [
    { sourceEndpoint: 'localhost:9000' },
    '--source-endpoint is no http:// or https:// address: localhost:9000',
  ],
  [{ include: [''] }, '--include is empty, too long, or given too often'],
  [{ sourceAnonymous: true }, '--source-anonymous is given, but SRC is a path', '/a'],
  [{ sourceAnonymous: true, sourceRequesterPays: true }, '--source-anonymous and --source-requester-pays'],
  [{ deleteAfter: 60 }, '--delete-after is given without --delete'],
  [{ versions: 'all', conflicts: 'park' }, '--versions all cannot go with --conflicts park'],
  [{ exclude: ['x'.repeat(1025)] }, '--exclude is empty, too long, or given too often'],
])('refuses %o', (options, message, source?) => {
  expect(() => request(options, source)).toThrow(message)
})

it.each([
  ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000'],
  ['https://s3.example.com/base/', 'https://s3.example.com/base'],
])('takes the endpoint %s', (text, endpoint) => expect(parseEndpoint('--x', text)).toBe(endpoint))

it.each(['', 'x', 'ftp://x', 'http://', 'http://me:secret@x', 'http://x/?a=b'])(
  'refuses the endpoint "%s"',
  (text) => expect(() => parseEndpoint('--x', text)).toThrow('--x'),
)

it('says no password that an endpoint holds', () => {
  expect(() => parseEndpoint('--x', 'http://me:secret@host')).toThrow(/^(?!.*secret)/)
})

it('takes a token from the option or the environment, and refuses none', () => {
  expect(findToken('join', { token: 'abc' }, 'env', '/')).toBe('abc')
  expect(findToken('join', {}, 'env', '/')).toBe('env')
  expect(() => findToken('join', {}, undefined, '/')).toThrow('no join token is given')
  expect(() => findToken('join', { token: 'a', tokenFile: 'b' }, undefined, '/')).toThrow('both given')
  expect(() => findToken('join', { tokenFile: '/nowhere' }, undefined, '/')).toThrow(
    'cannot be read (ENOENT)',
  )
  expect(() => findToken('join', { token: 'a\nb' }, undefined, '/')).toThrow('characters that no token has')
})

it.each([
  ['500', { objects: 500, share: null }],
  ['0', { objects: 0, share: null }],
  ['10%', { objects: null, share: 0.1 }],
  ['0.5%', { objects: null, share: 0.005 }],
] as const)('reads --max-delete %s', (text, cap) => expect(deleteCap(text)).toEqual(cap))

it.each(['', '10.5', '101%', '-1', 'half'])('refuses --max-delete %s', (text) => {
  expect(() => deleteCap(text)).toThrow('a number of objects')
})

it('says only what is given of when and how much is deleted', () => {
  expect(givenPass({ delete: true })).toEqual({ delete: true })
  expect(givenPass({ conflicts: 'park' })).toEqual({ conflicts: 'park' })
  const cap = { objects: 5, share: null }
  expect(givenPass({ deleteAfter: 60, maxDelete: cap })).toEqual({ deleteAfter: 60, deleteCap: cap })
  expect(policyText({ delete: true, deleteAfter: 60, deleteCap: cap })).toBe(
    'delete, deleteAfter 60, max delete 5',
  )
  expect(policyText({ deleteCap: { objects: 5, share: 0.1 } })).toBe('max delete 5 or 10%')
})
