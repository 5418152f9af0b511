/** Keys on the wire between agents and the control plane: byte strings (key.ts). */
import * as z from 'zod'
import { isKey, type Key } from './key.ts'

/** Bytes. S3 ends at 1,024; a file's path at 4,096. */
export const longestKey = 4_096

export const keySchema = z
  .string()
  .max(longestKey)
  .refine(isKey, 'a byte string')
  .transform((k) => k as Key)
