/** The steps of signing in (better-auth's, below /api/auth), as these pages ask for them. */
import * as z from 'zod'
import { entryTexts } from './texts.ts'

/** Ours are problems; the library's have a message and a code. */
const refusalSchema = z
  .object({ detail: z.string(), message: z.string(), hint: z.string().nullable() })
  .partial()

export async function ask<T>(
  method: 'GET' | 'POST',
  path: string,
  schema: z.ZodType<T>,
  body?: unknown,
): Promise<T> {
  let response: Response
  try {
    response = await fetch(`/api/auth${path}`, {
      method,
      ...(method === 'POST' && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body ?? {}),
      }),
    })
  } catch {
    throw new Error(entryTexts.unreachable)
  }
  const json: unknown = await response.json().catch(() => null)
  if (response.ok) return schema.parse(json)
  if (response.status === 429) throw new Error(entryTexts.tooMany)
  const said = refusalSchema.safeParse(json).data
  throw new Error(
    [said?.detail ?? said?.message ?? entryTexts.answered(response.status), said?.hint]
      .filter(Boolean)
      .join('. '),
  )
}

export const anything: z.ZodType<unknown> = z.unknown()
