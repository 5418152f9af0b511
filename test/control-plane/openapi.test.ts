import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, it } from 'vitest'
import { startPlane } from '../support/plane.ts'

it('is a valid OpenAPI 3.1 document in which every operation has a name of its own and a sentence', async () => {
  const plane = await startPlane()
  try {
    const document = await (await fetch(new URL('/api/openapi.json', plane.url))).json()
    const { valid, errors } = await new Validator().validate(document as Record<string, unknown>)
    expect(errors ?? []).toEqual([])
    expect(valid).toBe(true)
    const { openapi, paths } = document as {
      openapi: string
      paths: Record<string, Record<string, { operationId: string; summary: string }>>
    }
    expect(openapi).toBe('3.1.0')
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
    expect(operations.length).toBeGreaterThan(10)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { summary } of operations) expect(summary).toMatch(/^[A-Z].*[.?]$/)
  } finally {
    await plane.stop()
  }
})
