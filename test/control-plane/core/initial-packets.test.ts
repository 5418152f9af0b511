import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilter } from '../../../agent/core/filter.ts'
import { initialPackets, maxSurveys, pickBoundaries } from '../../../control-plane/core/initial-packets.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { type Filter, noFilter } from '../../../shared/policy.ts'
import { contains, everything, tiles } from '../../../shared/range.ts'

const key = (text: string) => keyFromText(text)
const shape = (filter: Filter, boundaries: Key[] = []) =>
  initialPackets(filter, 'copy', boundaries).map(({ kind, state, after, through }) => [
    kind,
    state,
    after,
    through,
  ])

describe('the packets that a pass begins with', () => {
  it('are one survey of everything', () => {
    expect(shape(noFilter)).toEqual([['survey', 'ready', null, null]])
  })

  it('are one survey a piece where an earlier pass divided', () => {
    expect(shape(noFilter, [key('p'), key('c'), key('p')])).toEqual([
      ['survey', 'ready', null, 'c'],
      ['survey', 'ready', 'c', 'p'],
      ['survey', 'ready', 'p', null],
    ])
  })

  it('leave nothing to do outside the folders that the filter names', () => {
    const filter = { ...noFilter, include: ['/b/**', '/a/x*', '/b/c/d.txt'] }
    const packets = initialPackets(filter, 'verify', [])
    expect(packets.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      'verify done',
      'survey ready',
      'verify done',
      'survey ready',
      'verify done',
    ])
    expect(packets[3]).toMatchObject({ through: 'b0' })
    expect(tiles(packets, everything)).toBe(true)
  })

  it('join folders that touch', () => {
    const packets = initialPackets({ ...noFilter, include: ['/a*', '/b\x00*'] }, 'copy', [])
    expect(packets.map(({ kind }) => kind)).toEqual(['copy', 'survey', 'copy'])
    expect(tiles(packets, everything)).toBe(true)
  })

  it('survey one key only, where there is only one', () => {
    const packets = initialPackets({ ...noFilter, only: 'é/b' }, 'copy', [key('a')])
    expect(packets.map(({ kind }) => kind)).toEqual(['copy', 'survey', 'copy'])
    expect(packets[1]).toMatchObject({ through: key('é/b') })
  })

  it.each([
    ['a pattern that matches at any depth', ['/a/*', '*.txt']],
    ['a pattern of nothing but a wildcard', ['/**']],
  ])('survey everything with %s', (_, include) => {
    expect(shape({ ...noFilter, include })).toEqual([['survey', 'ready', null, null]])
  })

  const segment = fc.string({
    unit: fc.constantFrom('a', 'b', '/', 'é', '\u{1F600}', '0', '\x00'),
    maxLength: 4,
  })
  const pattern = fc
    .tuple(segment, fc.constantFrom('', '*', '/**', '?', '[ab]', '{a,b}'))
    .map(([s, g]) => `/${s}${g}`)

  it('tile the key space, and survey every key that the agents let in', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 5 }),
        fc.array(segment, { maxLength: 6 }),
        fc.array(segment, { maxLength: 20 }),
        (include, boundaries, keys) => {
          const filter = { ...noFilter, include }
          const packets = initialPackets(filter, 'copy', boundaries.map(key))
          expect(tiles(packets, everything)).toBe(true)
          const { matches } = compileFilter(filter)
          const letIn = [...keys, ...include.map((glob) => glob.slice(1))].map(key).filter((k) => matches(k))
          for (const one of letIn) {
            expect(packets.find((packet) => contains(packet, one))?.kind).toBe('survey')
          }
        },
      ),
      { numRuns: 500, seed: 4 },
    )
  })
})

describe('boundaries of an earlier pass', () => {
  const ends = Array.from({ length: 1_000 }, (_, i) => key(String(i).padStart(4, '0')))

  it('are spread evenly over its packets', () => {
    const picked = pickBoundaries(ends.toReversed())
    expect(picked).toHaveLength(maxSurveys - 1)
    const gaps = [...picked, ends.at(-1)!].map((end, i) => Number(end) - Number(picked[i - 1] ?? 0))
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(2)
  })

  it('are no more than there are', () => {
    expect(pickBoundaries([])).toEqual([])
    expect(pickBoundaries([key('m'), key('m')])).toEqual([key('m')])
    expect(pickBoundaries([key('c'), key('a'), key('b')])).toEqual(['a', 'b', 'c'])
  })
})
