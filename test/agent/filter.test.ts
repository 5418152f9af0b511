import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilter } from '../../agent/core/filter.ts'
import { displayKey, type Key, keyFromBytes, keyFromText } from '../../shared/key.ts'
import { type Filter, noFilter } from '../../shared/policy.ts'
import { contains, everything } from '../../shared/range.ts'

fc.configureGlobal({ seed: 1 })

const filter = (parts: Partial<Filter>) => compileFilter({ ...noFilter, ...parts })
const lets = (parts: Partial<Filter>, ...keys: string[]) => {
  const { matches } = filter(parts)
  return keys.filter((key) => matches(keyFromText(key)))
}

describe('one pattern', () => {
  it.each<[string, string[], string[]]>([
    [
      '*.txt',
      ['a.txt', '.txt', 'a/b/c.txt', '//x.txt', 'a/../b.txt', './b.txt', 'a\nb.txt'],
      ['a.txt/', 'a.txtx', 'txt', ''],
    ],
    ['/*.txt', ['a.txt', '.txt'], ['a/b.txt', '/a.txt']],
    ['a/*.txt', ['a/b.txt', 'a/.txt'], ['b/a/c.txt', 'a/b/c.txt', 'a//b.txt']],
    ['a/**', ['a/', 'a/b', 'a/b/c', 'a//b', 'a/../c'], ['a', 'ab/c', 'b/a/c']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b', 'a//b', 'a/./b'], ['ab', 'a/xb', 'a/b/c']],
    ['a/**/**/b', ['a/b', 'a/x/b'], ['ab']],
    ['**/b', ['b', 'a/b', '/b'], ['ab', 'a/bc']],
    ['a**c/d', ['ac/d', 'abc/d', 'a/b/c/d'], ['ac/e']],
    ['**', ['', 'a', 'a/b', '/', '..', '\n'], []],
    ['*', ['', 'a', 'a/b', 'a/', '.', '..'], []],
    ['/*', ['', 'a', '.'], ['a/b', 'a/']],
    ['?', ['a', 'é', '\u{1f4a9}', 'x/y'], ['', 'ab']],
    ['[a-c]x', ['ax', 'cx', 'd/bx'], ['dx', 'x', '-x']],
    ['[!a-c]x', ['dx', '!x'], ['ax', 'x', '/x']],
    ['[^a]', ['b', '^'], ['a']],
    ['[]-]', [']', '-'], ['a', '[']],
    ['[a\\]b]', [']', 'a', 'b'], ['\\']],
    ['[é-ü]', ['é', 'ö'], ['a', 'Ã']],
    ['/a[/]b', [], ['a/b', 'ab']],
    ['{a,b}/c', ['a/c', 'b/c'], ['x/a/c', '{a,b}/c']],
    ['*.{jpg,{png,gif}}', ['a.jpg', 'b/a.gif'], ['a.jpeg', 'a.{jpg']],
    ['x{,y}', ['x', 'xy'], ['xyz']],
    ['x{y}', ['x{y}'], ['xy']],
    ['{x{a},b}', ['x{a}', 'b'], ['xa']],
    ['{[,}],b}', ['b', ',', '}'], ['[']],
    ['a}b', ['a}b'], ['ab']],
    ['\\*\\{', ['*{'], ['x{']],
    ['a (1)+|$^.@!"x"', ['a (1)+|$^.@!"x"'], ['a 1']],
    ['!a', ['!a'], ['b']],
    ['#a', ['#a'], []],
    ['./a', ['./a'], ['a']],
    ['logs/', ['logs/', 'logs/a', 'logs/a/b', 'x/logs/a'], ['logs', 'logs2/a', 'mylogs/a']],
    ['/logs/', ['logs/', 'logs/a/b'], ['x/logs/a', 'logs']],
    ['a/logs/', ['a/logs/x'], ['b/a/logs/x', 'a/logs']],
    ['ünï*', ['ünïcode'], ['uni']],
  ])('%s', (glob, inside, outside) => {
    expect(lets({ include: [glob] }, ...inside, ...outside)).toEqual(inside)
    expect(lets({ exclude: [glob] }, ...inside, ...outside)).toEqual(outside)
  })

  it.each([
    ['a[b', /"a\[b".*"\[" at 2 is never closed/],
    ['[', /never closed/],
    ['[]', /never closed/],
    ['{a,b', /"\{" at 1 is never closed/],
    ['{a,[}]', /never closed/],
    ['[z-a]', /runs backwards/],
    ['[[:alpha:]]', /no meaning/],
    ['a\\', /ends in/],
  ])('refuses %j and says why', (glob, message) => {
    for (const option of ['include', 'exclude'] as const) {
      const error = expect.objectContaining({
        code: 'usage',
        op: `--${option}`,
        message: expect.stringMatching(message),
      })
      expect(() => filter({ [option]: ['fine', glob] })).toThrow(error)
    }
  })

  it('sees a key that is not UTF-8 byte by byte', () => {
    const key = keyFromBytes(Uint8Array.from([0x61, 0xff, 0x2e, 0x74]))
    expect(filter({ include: ['*.t'] }).matches(key)).toBe(true)
    expect(filter({ include: ['a?.t'] }).matches(key)).toBe(true)
    expect(filter({ include: ['a??.t'] }).matches(key)).toBe(false)
  })
})

describe('a filter', () => {
  it('lets everything in where it says nothing', () => {
    expect(filter({}).ranges).toEqual([everything])
    expect(lets({}, '', 'a', 'a/b')).toEqual(['', 'a', 'a/b'])
  })

  it('takes what some include has and no exclude', () => {
    const keys = ['a.jpg', 'b.png', 'c.txt', 'tmp/a.jpg']
    expect(lets({ include: ['*.jpg', '*.png'], exclude: ['/tmp/'] }, ...keys)).toEqual(['a.jpg', 'b.png'])
  })

  it('takes one key alone, with everything in it that is special in patterns', () => {
    const only = filter({ only: 'a/*[é].txt' })
    expect(only.matches(keyFromText('a/*[é].txt'))).toBe(true)
    expect(only.matches(keyFromText('a/*[é].txt2'))).toBe(false)
    expect(only.matches(keyFromText('a/xé.txt'))).toBe(false)
    expect(only.ranges).toHaveLength(1)
    expect(contains(only.ranges[0]!, keyFromText('a/*[é].txt'))).toBe(true)
    expect(contains(only.ranges[0]!, keyFromText('a/*[é].txt2'))).toBe(false)
    expect(contains(only.ranges[0]!, keyFromText('a/'))).toBe(false)
    expect(lets({ only: 'a', exclude: ['a'] }, 'a')).toEqual([])
  })

  it('narrows the key space to what its includes begin with', () => {
    const { ranges } = filter({ include: ['/photos/2024/*.jpg', 'docs/**', 'photos/2024/a/**'] })
    expect(ranges).toHaveLength(2)
    const inside = ['docs/', 'docs/a', 'photos/2024/', 'photos/2024/a/b']
    const outside = ['a', 'docs', 'docz', 'photos', 'photos/2023/x', 'photos/2025/x', 'z']
    const isIn = (key: string) => ranges.some((range) => contains(range, keyFromText(key)))
    expect([...inside, ...outside].filter(isIn)).toEqual(inside)
  })

  it.each([['*.jpg'], ['**/x'], ['/*'], ['{a,b}/c'], ['logs/'], ['[ab]/c']])(
    'cannot narrow it by %s',
    (glob) => {
      expect(filter({ include: ['docs/**', glob] }).ranges).toEqual([everything])
    },
  )

  it('never leaves a match outside its ranges, which are sorted and apart', () => {
    const letter = fc.constantFrom('a', 'b', 'é', '/', '\u{10000}', '.', 'c')
    const piece = fc.oneof(letter, fc.constantFrom('*', '**', '?', '[ab]', '{a,b/c}', '\\*'))
    const globs = fc.array(
      fc.array(piece, { minLength: 1, maxLength: 6 }).map((all) => all.join('')),
      { maxLength: 4 },
    )
    const keys = fc.array(
      fc.array(letter, { maxLength: 5 }).map((all) => keyFromText(all.join(''))),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(globs, globs, keys, (include, exclude, some) => {
        const { matches, ranges } = filter({ include, exclude })
        for (const key of some.filter(matches)) {
          expect([displayKey(key), ranges.some((range) => contains(range, key))]).toEqual([
            displayKey(key),
            true,
          ])
        }
        for (const [i, range] of ranges.entries()) {
          const before = ranges[i - 1]
          if (before) expect((before.through as Key) < (range.after as Key)).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('agrees with a plain reading of stars and question marks', () => {
    const alphabet = ['a', 'b', '/', '*', '?'] as const
    const glob = fc
      .array(fc.constantFrom(...alphabet), { minLength: 1, maxLength: 6 })
      .map((all) => `/x${all.join('')}`)
    const key = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 6 }).map((all) => `x${all.join('')}`)
    const plain = (pattern: string, text: string): boolean => {
      if (pattern === '') return text === ''
      const stars = /^\*+/.exec(pattern)?.[0].length ?? 0
      if (stars > 0) {
        const rest = pattern.slice(stars)
        for (let n = 0; n <= text.length; n++) {
          if (stars === 1 && text.slice(0, n).includes('/')) break
          if (plain(rest, text.slice(n))) return true
        }
        return false
      }
      const fits = text !== '' && (pattern[0] === '?' ? text[0] !== '/' : pattern[0] === text[0])
      return fits && plain(pattern.slice(1), text.slice(1))
    }
    fc.assert(
      fc.property(glob, key, (pattern, text) => {
        // What a whole segment of stars means besides, and a slash at the end, is in the table above.
        fc.pre(!/\/\*\*+(\/|$)/.test(pattern) && !pattern.endsWith('/'))
        expect(filter({ include: [pattern] }).matches(keyFromText(text))).toBe(plain(pattern.slice(1), text))
      }),
      { numRuns: 500 },
    )
  })
})
