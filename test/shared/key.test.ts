import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareKeys,
  displayKey,
  escapeKey,
  isKey,
  type Key,
  keyFromBytes,
  keyFromText,
  keyToBytes,
  keyToText,
  publicKey,
  unescapeKey,
} from '../../shared/key.ts'

const bytes = fc.uint8Array({ maxLength: 64 })

describe('keys', () => {
  it('keep every byte', () => {
    fc.assert(
      fc.property(bytes, (b) => {
        expect(keyToBytes(keyFromBytes(b))).toEqual(b)
      }),
    )
  })

  it('keep every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (t) => {
        expect(keyToText(keyFromText(t))).toBe(t)
      }),
    )
  })

  it('order as their bytes, where text would order otherwise', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const byBytes = Math.sign(Buffer.compare(a, b))
        expect(compareKeys(keyFromBytes(a), keyFromBytes(b))).toBe(byBytes)
      }),
    )
    expect('\u{1f642}' < '\ufffd').toBe(true)
    expect(keyFromText('\u{1f642}') < keyFromText('\ufffd')).toBe(false)
  })

  it('survive JSON, escaping and unescaping', () => {
    fc.assert(
      fc.property(bytes, (b) => {
        const key = keyFromBytes(b)
        expect(JSON.parse(JSON.stringify(key))).toBe(key)
        expect(unescapeKey(escapeKey(key))).toBe(key)
        expect(escapeKey(key)).toMatch(/^[\x21-\x7e]*$/)
      }),
    )
  })

  it('that are no UTF-8 have no text, and are named by their escape too', () => {
    const key = 'a\xff/b' as Key
    expect(keyToText(key)).toBeNull()
    expect(displayKey(key)).toBe('a\\xff/b')
    expect(publicKey(key)).toEqual({ key: 'a\\xff/b', keyEscaped: 'a%FF/b' })
    expect(publicKey(keyFromText('é'))).toEqual({ key: 'é' })
  })

  it('show no control or bidirectional character to a terminal', () => {
    fc.assert(
      fc.property(bytes, (b) => {
        expect(displayKey(keyFromBytes(b))).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/)
      }),
    )
    expect(displayKey(keyFromText('a\u202egpj.exe\x1b[2J'))).toBe('a\\u{202e}gpj.exe\\u{1b}[2J')
  })

  it('are told from text', () => {
    expect(isKey('\xff')).toBe(true)
    expect(isKey('\u0100')).toBe(false)
  })
})
