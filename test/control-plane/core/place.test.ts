import { describe, expect, it } from 'vitest'
import { type Reach, reaches, reachOf, reachOfAll, waitsFor } from '../../../control-plane/core/place.ts'
import type { Location } from '../../../shared/location.ts'

const s3 = (site: string | null = null, sites?: string[]): Location => ({
  ...{ kind: 's3', bucket: 'b', prefix: '', endpoint: null, region: null, profile: null, site },
  ...(sites && { sites }),
})
const file = (site: string): Location => ({ kind: 'file', path: '/data', site })

describe('the sites that reach a migration', () => {
  it.each<[string, Location, Reach, Reach]>([
    ['a bucket', s3(), null, null],
    ['a bucket of a site', s3('x'), null, ['x']],
    ['a directory', file('x'), null, ['x']],
    ['a bucket whose connection has sites', s3(), ['y', 'x'], ['x', 'y']],
    ['a bucket that is resolved', s3(null, ['y', 'x']), null, ['x', 'y']],
    ['a bucket of one of its connection’s sites', s3('x'), ['x', 'y'], ['x']],
    ['a bucket of another site than its connection’s', s3('z'), ['x', 'y'], []],
  ])('are those of %s', (_, location, connection, reach) => {
    expect(reachOf(location, connection)?.toSorted() ?? null).toEqual(reach)
  })

  it('are those that reach every location', () => {
    const between = (source: Location, destination: Location) => reachOfAll({ source, destination })
    expect(between(s3(), s3())).toBe(null)
    expect(between(s3(), file('x'))).toEqual(['x'])
    expect(between(s3(null, ['x', 'y', 'z']), s3(null, ['z', 'y']))).toEqual(['y', 'z'])
    expect(between(file('x'), file('y'))).toEqual([])
    const manifest = { place: { kind: 'file', path: '/m', site: 'y' }, columns: ['key'], keys: null } as never
    expect(reachOfAll({ source: s3(null, ['x', 'y']), destination: s3(), manifest })).toEqual(['y'])
  })

  it('are told apart from the others', () => {
    expect([reaches(null, 'x'), reaches(['x'], 'x'), reaches(['x'], 'y'), reaches([], 'x')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

describe('what a migration waits for', () => {
  it.each<[string, Reach, string[], string]>([
    ['any agent', null, [], 'No agent is connected.'],
    ['an agent of its site', ['x'], [], 'No agent of site x is connected.'],
    [
      'an agent of one of its sites',
      ['x', 'y'],
      ['z'],
      'No agent of any of the sites x, y is connected; those that are connected do not reach all of its locations.',
    ],
    ['another arrangement', [], ['x'], 'No site reaches all of its locations, so no agent can work for it.'],
  ])('is %s', (_, reach, sites, message) => {
    expect(waitsFor(reach, sites)).toEqual({ sites: reach, message })
  })

  it('is nothing while an agent reaches it', () => {
    expect(waitsFor(null, ['x'])).toBe(null)
    expect(waitsFor(['x', 'y'], ['z', 'y'])).toBe(null)
  })
})
