/** Keys on the wire between agents and the control plane: byte strings (key.ts). */
import * as z from 'zod'
import { isKey, type Key } from './key.ts'

/** S3 ends at 1,024 bytes; a file's path at 4,096. */
export const keySchema = z
  .string()
  .max(4096)
  .refine(isKey, 'a byte string')
  .transform((k) => k as Key)
