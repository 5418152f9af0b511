/** The mirror's own keys, in its state directory, readable by its owner alone: what the application signs with, and what status and switch are asked with. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { makeOwn, readOwn } from '../identity/own-file.ts'

const keysSchema = z.strictObject({
  accessKeyId: z.string().min(3).max(128),
  secretAccessKey: z.string().min(16).max(256),
  /** Of status and switch. */
  controlToken: z.string().min(32),
})
export type MirrorKeys = z.infer<typeof keysSchema>

export const keysFile = (stateDir: string): string => join(stateDir, 'keys.json')

/** Made at the first start. `isNew`: now. */
export function mirrorKeys(stateDir: string): MirrorKeys & { isNew: boolean } {
  const made = {
    accessKeyId: `DRAY${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
    controlToken: randomBytes(32).toString('base64url'),
  }
  const before = readKeys(stateDir)
  if (before) return { ...before, isNew: false }
  makeOwn(keysFile(stateDir), made)
  return { ...readKeys(stateDir)!, isNew: true }
}

/** Null where no mirror has been here. */
export function readKeys(stateDir: string): MirrorKeys | null {
  try {
    return readOwn(keysFile(stateDir), keysSchema)
  } catch (cause) {
    const { message } = cause as DrayError
    throw new DrayError('config', 'read the keys', message, {
      hint: `It holds keys and must be yours alone: chmod 600 '${keysFile(stateDir)}'. Moved away, the mirror makes new ones.`,
      cause,
    })
  }
}
