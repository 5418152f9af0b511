/** The secret of a connection: what is sealed, as JSON. It is never part of anything that the control plane is sent. */
import * as z from 'zod'

/** What a header may hold, and nothing that a copied line brings along. */
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[\x21-\x7e]+$/, 'letters, digits and signs, without spaces')

export const s3KeysSchema = z.strictObject({
  accessKeyId: text(256),
  secretAccessKey: text(1_024),
  sessionToken: text(6_000).optional(),
})
export type S3Keys = z.infer<typeof s3KeysSchema>
