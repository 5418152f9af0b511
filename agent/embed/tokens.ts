/** The tokens of an embedded control plane, and the secret by which it encrypts its own: random, made once, readable by the owner only. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { damaged, writeWhole } from './state-dir.ts'

/** What an earlier version kept besides is dropped. */
const tokensSchema = z.object({
  operator: z.string().min(16),
  /** DRAY_AUTH_SECRET. Absent, as the next, in what an earlier version wrote. */
  auth: z.string().min(32).optional(),
  /** DRAY_SETUP_TOKEN. */
  setup: z.string().min(16).optional(),
})
export type Tokens = z.infer<typeof tokensSchema>

export const tokensFile = (stateDir: string): string => join(stateDir, 'tokens.json')

/** Null where there are none yet. */
export function readTokens(stateDir: string): Tokens | null {
  const file = tokensFile(stateDir)
  try {
    return tokensSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw damaged(file, error)
  }
}

export function ensureTokens(stateDir: string): Record<keyof Tokens, string> {
  const kept = readTokens(stateDir)
  const random = () => randomBytes(32).toString('base64url')
  const whole = {
    operator: kept?.operator ?? random(),
    auth: kept?.auth ?? random(),
    setup: kept?.setup ?? random(),
  }
  if (JSON.stringify(whole) !== JSON.stringify(kept)) writeWhole(tokensFile(stateDir), JSON.stringify(whole))
  return whole
}
