import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { version } from '../../shared/version.ts'

it('the version that the control plane knows is that of the package', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')
  expect(version).toBe(JSON.parse(text).version)
})
