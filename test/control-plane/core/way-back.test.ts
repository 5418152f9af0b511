import { describe, expect, it } from 'vitest'
import { refuseNoWayBack } from '../../../control-plane/core/way-back.ts'
import type { Location } from '../../../shared/location.ts'
import type { Arrangement, Mapping } from '../../../shared/mapping.ts'
import type { Policy } from '../../../shared/policy.ts'
import { wayBack } from '../../../shared/way-back.ts'

const s3 = (bucket: string, prefix = ''): Location => ({
  ...{ kind: 's3', bucket, prefix, endpoint: null, region: null, profile: null, site: null },
})
const ask = (arrangement: Arrangement, policy: Policy = {}, source = s3('a'), destination = s3('b')) =>
  refuseNoWayBack({ source, destination, policy, ...arrangement })
const prefix = (from: string, to: string, unmatched: Mapping['unmatched']): Arrangement => ({
  mapping: { kind: 'prefix', from, to, unmatched },
})
const template = (to: string, pattern: string | null = null): Arrangement => ({
  mapping: { kind: 'template', pattern, to, unmatched: 'fail' },
})
const manifest = { place: { kind: 'file', path: '/m', site: 'x' }, columns: null, keys: null } as const

describe('a way back', () => {
  it.each<[string, Arrangement, object | null]>([
    ['of equal keys', {}, null],
    ['of a constant beginning', prefix('a/', 'b/', 'skip'), { from: 'a/', to: 'b/' }],
    ['of one that fails what it does not match', prefix('a/', 'b/', 'fail'), { from: 'a/', to: 'b/' }],
    ['of one that everything gets', prefix('', 'b/', 'keep'), { from: '', to: 'b/' }],
    ['of a template that is one', template('b/{key}'), { from: '', to: 'b/' }],
    ['of a template that changes nothing', template('{key}'), { from: '', to: '' }],
  ])('%s is there', (_, arrangement, shift) => {
    expect(wayBack(arrangement)).toEqual({ shift })
    expect(ask(arrangement)).toBe(null)
  })

  it.each<[string, Arrangement, Policy, RegExp]>([
    ['a mapping that keeps what it does not match', prefix('a/', 'b/', 'keep'), {}, /keeps the keys/],
    ['a template', template('{ext}/{key}'), {}, /template/],
    ['a pattern', template('{name}', '(?<name>.*)'), {}, /template/],
    ['a manifest', { manifest }, {}, /list/],
    ['all versions', {}, { versions: 'all' }, /versions/],
  ])('is not with %s, and it says why', (_, arrangement, policy, why) => {
    expect(ask(arrangement, policy)).toMatchObject({
      message: expect.stringMatching(why),
      hint: expect.any(String),
    })
  })

  it('is not where one side is inside the other', () => {
    expect(ask({}, {}, s3('a'), s3('a', 'in/'))?.message).toMatch(/inside the other/)
    expect(ask({}, {}, s3('a', 'one/'), s3('a', 'two/'))).toBe(null)
  })
})
