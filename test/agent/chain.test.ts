import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Fit, fitChains, type Known, type Match } from '../../agent/core/chain.ts'
import type { Sides } from '../../agent/core/judge.ts'
import type { Version } from '../../agent/storage/versions.ts'
import type { Key } from '../../shared/key.ts'

fc.configureGlobal({ seed: 1 })

const sides: Sides = { source: 'md5', destination: 'md5', depth: 'checksum' }
/** Tokens of these say nothing, so that each pair has to be asked for. */
const blind: Sides = { source: 'none', destination: 'none', depth: 'checksum' }

/** `a` to `e` are contents, `-` is a delete marker. */
const chainOf = (text: string): Version[] =>
  [...text].map((letter, i) => ({
    key: 'k' as Key,
    kind: letter === '-' ? 'delete-marker' : 'object',
    size: letter === '-' ? 0 : 1,
    mtime: 0,
    token: letter === '-' ? '' : letter.repeat(32),
    version: `${i}`,
  }))
const textOf = (versions: readonly Version[]) =>
  versions.map(({ kind, token }) => (kind === 'object' ? token[0] : '-')).join('')

function fitted(source: string, destination: string, how = sides, known?: Known): Fit & { asked: number } {
  const step = fitChains(chainOf(source), chainOf(destination), how, known)
  let asked = 0
  let told: Match = 'differs'
  for (;;) {
    const result = step.next(told)
    if (result.done) return { ...result.value, asked }
    asked++
    const [a, b] = result.value
    told = a.token === b.token ? { same: 'full-read' } : 'differs'
  }
}
const outcomeOf = (source: string, destination: string) => {
  const { proofs, missing, extra } = fitted(source, destination)
  return [proofs.length, textOf(missing), textOf(extra)]
}

describe('a chain', () => {
  it('is complete where every version is there in order and the newest is the same', () => {
    expect(outcomeOf('abc', 'abc')).toEqual([3, '', ''])
    expect(outcomeOf('a-b', 'a-b')).toEqual([3, '', ''])
    expect(outcomeOf('-', '-')).toEqual([1, '', ''])
  })

  it('is gone on with where it was interrupted', () => {
    expect(outcomeOf('abc', '')).toEqual([0, 'abc', ''])
    expect(outcomeOf('abc', 'ab')).toEqual([2, 'c', ''])
    expect(outcomeOf('-a-', '-')).toEqual([1, 'a-', ''])
    expect(outcomeOf('aaaa', 'aa')).toEqual([2, 'aa', ''])
  })

  it('does not mind what the source has lost since', () => {
    expect(outcomeOf('cd', 'abcd')).toEqual([2, '', 'ab'])
    expect(outcomeOf('cde', 'abcd')).toEqual([2, 'e', 'ab'])
    // `null` was written over, where versioning was suspended.
    expect(outcomeOf('ac', 'ab')).toEqual([1, 'c', 'b'])
    expect(outcomeOf('ac', 'abc')).toEqual([2, '', 'b'])
  })

  it('ends as the source does, whatever lies on top', () => {
    // A delete marker was taken away at the source.
    expect(outcomeOf('a', 'a-')).toEqual([0, 'a', 'a-'])
    expect(outcomeOf('a', 'a-a')).toEqual([1, '', 'a-'])
    expect(outcomeOf('ab', 'abc')).toEqual([1, 'b', 'bc'])
    expect(outcomeOf('ab', 'abcb')).toEqual([2, '', 'bc'])
  })

  it('is appended as a whole to a history that is another', () => {
    expect(outcomeOf('abc', 'c')).toEqual([0, 'abc', 'c'])
    expect(outcomeOf('bc', 'a-')).toEqual([0, 'bc', 'a-'])
  })

  it('asks only for pairs that the listings do not settle', () => {
    expect(fitted('ab', 'ab').asked).toBe(0)
    const asked = fitted('ab-', 'ab-', blind)
    expect([asked.asked, asked.missing.length]).toEqual([2, 0])
    expect(asked.proofs).toEqual(['full-read', 'full-read', null])
  })

  it('believes what is known already', () => {
    const known = { source: 2, destination: 3 }
    const { proofs, missing, asked } = fitted('a-b', 'xa-', blind, known)
    expect([proofs, textOf(missing), asked]).toEqual([['baseline', null], 'b', 0])
  })
})

describe('whatever the chains', () => {
  const chains = fc.tuple(
    fc.stringMatching(/^[abc-]{1,8}$/),
    fc.stringMatching(/^[abc-]{0,8}$/),
    fc.constantFrom(sides, blind),
  )

  it('what is appended makes them complete, and nothing is appended twice after any interruption', () => {
    fc.assert(
      fc.property(chains, fc.nat(8), ([source, destination, how], stop) => {
        const { missing, proofs } = fitted(source, destination, how)
        expect(proofs.length + missing.length).toBe(source.length)
        const appended = textOf(missing)
        const interrupted = appended.slice(0, stop)
        const rest = fitted(source, destination + interrupted, how)
        expect(textOf(rest.missing)).toBe(appended.slice(stop))
      }),
      { numRuns: 2_000 },
    )
  })

  it('a complete one has the source’s versions in order, ends with its newest, and counts the others', () => {
    fc.assert(
      fc.property(chains, ([source, destination, how]) => {
        const { missing, extra } = fitted(source, destination, how)
        const isIn = new RegExp([...source].map((c) => (c === '-' ? '-' : c)).join('.*')).test(destination)
        expect(missing.length === 0).toBe(isIn && destination.at(-1) === source.at(-1))
        expect(extra.length).toBe(destination.length - (source.length - missing.length))
      }),
      { numRuns: 2_000 },
    )
  })

  it('a destination that was filled in order lacks exactly the rest', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[abc-]{1,10}$/), fc.nat(10), (source, done) => {
        const { missing, extra } = fitted(source, source.slice(0, done))
        expect([textOf(missing), extra.length]).toEqual([source.slice(done), 0])
      }),
    )
  })
})
