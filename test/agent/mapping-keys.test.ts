import { describe, expect, it } from 'vitest'
import { compileMapping, type Place } from '../../agent/mapping/map-keys.ts'
import { displayKey, type Key, keyFromText } from '../../shared/key.ts'
import { type Mapping, mappingSchema } from '../../shared/mapping.ts'

const template = (to: string, pattern: string | null = null, unmatched: Mapping['unmatched'] = 'fail') =>
  ({ kind: 'template', pattern, to, unmatched }) as const
const prefix = (from: string, to: string, unmatched: Mapping['unmatched'] = 'fail') =>
  ({ kind: 'prefix', from, to, unmatched }) as const

const shown = (place: Place) => (typeof place === 'string' ? displayKey(place) : (place?.why ?? null))
const map = (mapping: Mapping, ...keys: string[]) =>
  compileMapping(mapping).places(keys.map(keyFromText)).map(shown)

describe('a template', () => {
  it('lays attachments out anew', () => {
    const mapping = template('att/{id[0:2]}/{id}/{name}', '^attachments/(?<id>\\d+)/(?<name>.+)$')
    expect(map(mapping, 'attachments/1234/a/b.pdf')).toEqual(['att/12/1234/a/b.pdf'])
  })

  it.each([
    ['{key}', 'a/b/c.tar.gz'],
    ['{dir}|{base}|{stem}|{ext}', 'a/b|c.tar.gz|c.tar|gz'],
    ['{base[0]}|{base[-1]}|{base[2:]}|{base[:-3]}|{base[1:3]}', 'c|z|tar.gz|c.tar|.t'],
    ['{base[40:]}x', 'x'],
    ['{ext:upper}{base:upper:lower}', 'GZc.tar.gz'],
    ['{ext:05}', '000gz'],
    ['{{{ext}}}', '{gz}'],
    ['{ext:md5[0:4]}/{ext:sha256[:4]}', 'c931/2ed5'],
  ])('%s', (to, expected) => {
    const [got] = map(template(to), 'a/b/c.tar.gz')
    expect(got).toBe(expected)
  })

  it('counts characters, and keeps them whole', () => {
    expect(map(template('{key[0:2]}-{key[-1]}-{key:05}'), '🐘éx')).toEqual(['🐘é-x-00🐘éx'])
  })

  it('leaves a name that begins with a dot without an extension', () => {
    expect(map(template('{stem}|{ext}'), 'a/.profile', 'b')).toEqual(['.profile|', 'b|'])
  })

  it('undoes percent escapes, where text comes of it', () => {
    expect(map(template('{base:url}'), 'a/x%20y', 'a/%C3%A9', 'a/%ff')).toEqual(['x y', 'é', '%ff'])
  })

  it('makes nothing of a group that took no part', () => {
    expect(map(template('{a}{b}!', '(?<a>x)|(?<b>y)'), 'x', 'y')).toEqual(['x!', 'y!'])
  })

  it('keeps the bytes of a key that is no text', () => {
    const key = 'Caf\xe9/\xff.JPG' as Key
    const mapping = template('é/{name:lower}.{ext:lower}', '(?<name>Caf./.)\\.(?<ext>.*)')
    expect(compileMapping(mapping).places([key])).toEqual(['\xc3\xa9/caf\xe9/\xff.jpg'])
  })

  it('must match the whole key', () => {
    expect(map(template('x', 'a'), 'a', 'ab')).toEqual(['x', 'The mapping does not match it.'])
  })

  it('makes no empty key, and none that is too long', () => {
    expect(map(template('{ext}'), 'a')).toEqual(['The mapping makes an empty key of it.'])
    expect(map(template('{key:0999}{key:0999}{key:0999}{key:0999}{key:0999}'), 'a')).toEqual([
      'The mapping makes a key of 4995 bytes of it.',
    ])
  })
})

it('changes a prefix', () => {
  expect(map(prefix('old/', 'new/'), 'old/a', 'old/', 'older')).toEqual([
    'new/a',
    'new/',
    'The mapping does not match it.',
  ])
})

it.each(['keep', 'skip'] as const)('can %s what it does not match', (unmatched) => {
  const other = unmatched === 'keep' ? 'b' : null
  expect(map(prefix('a', 'x', unmatched), 'a1', 'b')).toEqual(['x1', other])
  expect(map(template('x1', 'a1', unmatched), 'a1', 'b')).toEqual(['x1', other])
})

it.each([
  [prefix('', 'to/'), true],
  [prefix('a/', 'to/', 'skip'), true],
  [prefix('a/', 'to/'), false],
  [prefix('a/', 'to/', 'keep'), false],
  [template('to/{key}'), true],
  [template('{key}'), true],
  [template('{key}.bak'), false],
  [template('{key:lower}'), false],
  [template('to/{key}', '.*'), false],
])('%o keeps the order of keys: %s', (mapping, keeps) => {
  expect(compileMapping(mapping).shift !== null).toBe(keeps)
})

it('stops a pattern that would take for ever', () => {
  const slow = compileMapping(template('x', '(a+)+', 'skip'))
  expect(() => slow.places([keyFromText('ok'), keyFromText(`${'a'.repeat(60)}!`)])).toThrow(
    /more than a second on a{60}!/,
  )
})

it.each([
  [template('{b}', '(?<a>x)'), 'there is no {b}; there is {a}, {key}, {dir}'],
  [template('{', null), 'a "{" stands alone'],
  [template('{key'), 'a "{" stands alone'],
  [template('{key:wat}'), 'not understood: :wat'],
  [template('{key[a]}'), 'not understood: [a]'],
  [template('{}'), 'does not begin with a name'],
  [template('x', '(?<a>x'), 'Invalid regular expression'],
])('refuses %o', (mapping, why) => {
  expect(() => compileMapping(mapping)).toThrow(why)
  expect(mappingSchema.safeParse(mapping).error?.issues[0]?.message).toContain(why)
})
