import { expect, it } from 'vitest'
import { differences } from '../../web/console/audit/differences.ts'

it('names what is another, and nothing else', () => {
  const before = { role: 'viewer', options: { delete: false, depth: 'full' }, sites: ['a'] }
  const after = { role: 'admin', options: { delete: true, depth: 'full' }, sites: ['a', 'b'] }
  expect(differences(before, after)).toEqual([
    { path: 'role', before: 'viewer', after: 'admin' },
    { path: 'options.delete', before: false, after: true },
    { path: 'sites', before: ['a'], after: ['a', 'b'] },
  ])
})

it('tells what came from what went', () => {
  expect(differences(null, { zone: 'UTC' })).toEqual([{ path: 'zone', after: 'UTC' }])
  expect(differences({ zone: 'UTC' }, null)).toEqual([{ path: 'zone', before: 'UTC' }])
  expect(differences(null, 'sealed')).toEqual([{ path: '', after: 'sealed' }])
  expect(differences(null, null)).toEqual([])
})
