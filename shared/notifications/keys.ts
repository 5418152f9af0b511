/** `{"keys": ["…"]}`, for whoever writes a sender of their own; `keysEscaped` where they are no text (key.ts). */
import * as z from 'zod'
import { keyFromText, unescapeKey } from '../key.ts'
import type { Notice } from './notice.ts'

const text = z.array(z.string().min(1)).max(10_000)
const keysSchema = z
  .strictObject({ keys: text.optional(), keysEscaped: text.optional(), at: z.number().int().optional() })
  .refine(({ keys, keysEscaped }) => keys !== undefined || keysEscaped !== undefined)

/** Null where it is something else. */
export function plainKeys(body: unknown): Notice | null {
  const { data } = keysSchema.safeParse(body)
  if (!data) return null
  const keys = [...(data.keys ?? []).map(keyFromText), ...(data.keysEscaped ?? []).map(unescapeKey)]
  return { is: 'changes', changes: keys.map((key) => ({ bucket: null, key, at: data.at ?? null })) }
}
