/** What a preflight found out: one thing each, in words for people. */
import * as z from 'zod'
import { errorCodes } from './error.ts'

/** In the order in which they are shown. */
export const findingKinds = [
  'reach', // some agent reaches both ends
  'overlap', // source and destination are apart
  'read', // the source can be listed and read
  'write', // the destination can be written, and what was written deleted
  'capabilities', // what the destination cannot hold
  'clash', // what is at the destination already
  'archived', // what must be restored before
  'clock',
] as const
export const findingSchema = z.strictObject({
  kind: z.enum(findingKinds),
  side: z.enum(['source', 'destination', 'both']),
  /** `stops`: the pass would not work. `warns`: it would, with what is said. `unknown`: it could not be found out. */
  outcome: z.enum(['good', 'warns', 'stops', 'unknown']),
  /** Of what went wrong. */
  code: z.enum(errorCodes).nullable(),
  message: z.string().max(2_500),
  hint: z.string().max(1_000).nullable(),
})
export type Finding = z.infer<typeof findingSchema>

/** A message as a sentence of its own; what begins with an address is left as it is. */
export function sentence(message: string): string {
  const text = /^[a-z]+[ ,:](?!\/)/.test(message)
    ? message.charAt(0).toUpperCase() + message.slice(1)
    : message
  return /[.!?]$/.test(text) ? text : `${text}.`
}
