import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, piecesOf, plain } from '../../web/console/hostile.ts'

describe('what stores name things', () => {
  it.each([
    ['a/b c.txt', 'a/b c.txt'],
    ['<b>&amp;', '<b>&amp;'],
    ['x\u202egpj.exe', 'x\\u{202e}gpj.exe'],
    ['a\u0000b\u001b[31m\n', 'a\\u{0}b\\u{1b}[31m\\u{a}'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    [' ends ', '\\u{20}ends\\u{20}'],
    ['   ', '\\u{20}\\u{20}\\u{20}'],
    ['', ''],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['grüße 日本 עברית', 'grüße 日本 עברית'],
  ])('is shown with what cannot be seen written out: %j', (text, says) => {
    expect(plain(text)).toBe(says)
  })

  it('tells what was written out from what was there', () => {
    expect(piecesOf('\\u{a}\n')).toEqual([
      { text: '\\u{a}', isOdd: false },
      { text: '\\u{a}', isOdd: true },
    ])
  })

  it('never holds anything that turns or hides text, and is never longer than its bound allows', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.integer({ min: 3, max: 200 }),
        (text, most) => {
          const says = plain(text, most)
          expect(says).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
          expect(says.length).toBeLessThanOrEqual(most * 10 + 20)
        },
      ),
    )
  })

  it('cuts a megabyte in its middle, and no character in two', () => {
    const long = `begin${'😀'.repeat(500_000)}end`
    const [head, tail] = cut(long, 100)!
    expect(head.length + tail.length).toBeLessThan(103)
    expect(head).toMatch(/^begin(😀)+$/u)
    expect(tail).toMatch(/^(😀)+end$/u)
    expect(cut('short', 100)).toBeNull()
  })
})
