import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { reference } from '../../scripts/reference.ts'

it('docs/reference says what the contracts and the help say (else: node scripts/reference.ts)', async () => {
  for (const [name, text] of Object.entries(await reference())) {
    const written = readFileSync(join(import.meta.dirname, '../../docs/reference', name), 'utf8')
    expect(written === text, `docs/reference/${name} is as it would be written now`).toBe(true)
  }
})
