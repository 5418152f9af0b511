import { describe, expect, it } from 'vitest'
import { formOf } from '../../../control-plane/core/cause.ts'
import { Causes, mostCauses } from '../../../control-plane/core/causes.ts'
import { errorCodes } from '../../../shared/error.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'

const form = (message: string, key = 'photos/2019/a.jpg') => formOf({ key: keyFromText(key), message })

describe('the form of a message', () => {
  it.each([
    ['Access Denied (GET s3://old/photos/2019/a.jpg).', 'Access Denied (GET s3://old/<key>).'],
    ['The body ended after 4096 of 81,920 bytes.', 'The body ended after # of # bytes.'],
    ['"photos" is a file.', '… is a file.'],
    ["'photos/2019' isn't the agent's.", "… isn't the agent's."],
    ['ENOENT: no such file, open /srv/data/x/y', 'ENOENT: no such file, open <path>'],
    ['Slow down (RequestId: 4442587FB7D0A2F9).', 'Slow down (RequestId: <id>).'],
    ['550e8400-e29b-41d4-a716-446655440000 is no upload.', '<id> is no upload.'],
    ['The store in us-east-1 speaks s3 by http.', 'The store in us-east-1 speaks s3 by http.'],
    ['It is of 2026-11-21T08:00:03Z, 10 bytes.', 'It is of <time>, # bytes.'],
    ['Two\nlines\t of it', 'Two lines of it'],
  ])('of %j is %j', (message, expected) => {
    expect(form(message)).toBe(expected)
  })

  it('has no name of an object that is called otherwise at the source', () => {
    const of = (name: string) => form(`Access Denied (GET s3://old/${name}) (from ${name}).`, `new/${name}`)
    expect(of('a b (1).txt')).toBe(of('other'))
  })

  it('has no name that its message has no room for', () => {
    const message = (key: string) => `Access Denied (GET s3://old/${key}).`.slice(0, 500)
    const [one, other] = [`a/${'x'.repeat(900)}/1`, `a/${'x'.repeat(800)}/2`]
    expect(form(message(one), one)).toBe(form(message(other), other))
  })

  it('has no name that is no text', () => {
    const key = 'caf\xe9/menu' as Key
    expect(formOf({ key, message: 'It ends in a space (PUT s3://new/caf\\xe9/menu).' })).toBe(
      'It ends in a space (PUT s3://new/<key>).',
    )
  })

  it('takes no time that a hostile message could stretch', () => {
    for (const text of [
      '"'.repeat(500),
      "'".repeat(500),
      'a1'.repeat(250),
      '/'.repeat(500),
      '1.'.repeat(250),
    ]) {
      expect(form(text).length).toBeLessThanOrEqual(200)
    }
  })
})

describe('causes', () => {
  const failure = (code: (typeof errorCodes)[number], message: string, key = 'k') => ({
    ...{ key: keyFromText(key), code, message, bytes: 10 },
  })

  it('count objects and bytes, remember when, and name three', () => {
    const causes = new Causes([])
    for (let i = 1; i <= 5; i++) causes.add(failure('io', `disk ${i}`, `k${i}`), i * 100, i === 5)
    expect(causes.changed()).toEqual([
      {
        ...{ id: 1, code: 'io', form: 'disk #', message: 'disk 1', objects: 5, bytes: 50 },
        ...{ retried: 0, waived: 1, firstAt: 100, lastAt: 500, samples: ['k1', 'k2', 'k3'] },
      },
    ])
    expect(causes.changed()).toEqual([])
  })

  it('are bounded: what comes last is put together by its code, and nothing is lost', () => {
    const causes = new Causes([])
    const word = (i: number) => [...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
    for (const code of errorCodes) {
      for (let i = 0; i < 50; i++) causes.add(failure(code, `trouble of kind ${word(i)}`), 1, false)
    }
    const rows = causes.changed()
    expect(rows.length).toBeLessThanOrEqual(mostCauses)
    expect(rows.reduce((sum, { objects }) => sum + objects, 0)).toBe(errorCodes.length * 50)
    expect(rows.filter(({ code, form }) => code === 'internal' && form === null)).toMatchObject([
      { objects: 50 },
    ])
  })

  it('go on after the object has slept', () => {
    const before = new Causes([])
    before.add(failure('io', 'disk 1'), 1, false)
    const after = new Causes(before.changed())
    expect(after.add(failure('io', 'disk 2'), 2, false)).toBe(1)
    expect(after.changed()).toMatchObject([{ objects: 2 }])
  })
})
