/** What a certificate says was compared: the two places, the filter, the mapping and the options. */
import * as z from 'zod'
import { resolvedLocationSchema } from '../../shared/location.ts'
import { arrangementShape, seesAll } from '../../shared/mapping.ts'
import { filterSchema, passOptionsSchema } from '../../shared/policy.ts'

/** A later version may say more; what is here, every version says. */
export const comparedSchema = z.object({
  source: resolvedLocationSchema,
  destination: resolvedLocationSchema,
  filter: filterSchema,
  ...arrangementShape,
  options: passOptionsSchema,
})
export type Compared = z.infer<typeof comparedSchema>

/** Whether what is only at the destination counted for nothing. */
export const isOneWay = (compared: Compared): boolean => compared.options.oneWay || !seesAll(compared)
