/**
 * What an object is besides its bytes, its time and its key, and what an operator may decide about each of it. What the
 * destination does not get of an object is counted by these names: never lost in silence.
 */
import * as z from 'zod'

export const properties = [
  'content-type', // one that the file's name would not suggest by itself
  'content-headers', // Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Expires
  'user-metadata',
  'hidden-metadata', // user metadata that the source has and cannot say in headers (x-amz-missing-meta)
  'tags',
  'storage-class',
  'redirect',
  'object-lock', // retention and legal hold
  'encryption',
  'acl',
] as const
export type Property = (typeof properties)[number]

/** S3 has twelve. */
const mostClasses = 16
const storageClass = z.string().regex(/^[A-Z][A-Z0-9_]{0,39}$/, 'a storage class, like STANDARD_IA')

/** `aws:kms` alone is the bucket's own key, or the account's. A key's ARN has some 80 characters, that of an alias at most 320. */
export const encryptionForm = /^(default|keep|AES256|aws:kms(:dsse)?(:[A-Za-z0-9][A-Za-z0-9:/_.-]{0,511})?)$/

export const fidelitySchema = z.strictObject({
  /**
   * `keep`: the source's class where the destination offers it, but archive classes (GLACIER, DEEP_ARCHIVE) become the
   * destination's default, since what is archived can neither be read nor proved without paying. `default`: the
   * destination's default for all. `to`: source's classes by name, `*` for those that are not named, which else are kept;
   * here an archive class may be asked for.
   */
  storageClass: z.union([
    z.enum(['keep', 'default']),
    z.strictObject({
      to: z
        .record(z.union([storageClass, z.literal('*')]), storageClass)
        .refine((to) => Object.keys(to).length <= mostClasses, `at most ${mostClasses} storage classes`),
    }),
  ]),
  tags: z.enum(['keep', 'drop']),
  /** A request per object at the source. */
  acl: z.enum(['drop', 'keep']),
  /** Kept only where asked for: a retention cannot be taken back at the destination. */
  objectLock: z.enum(['drop', 'keep']),
  /**
   * `default`: as the destination's bucket has it. `keep`: as the source's object has it, with the same key's name. Else S3's
   * name of an algorithm, with a KMS key behind a `:`, for all objects.
   */
  encryption: z.string().regex(encryptionForm),
  /** What the destination cannot hold: left out and counted, or no pass at all, and no object that would lose something. */
  onLoss: z.enum(['go-on', 'stop']),
})
export type FidelityPolicy = z.infer<typeof fidelitySchema>

export const defaultFidelity: FidelityPolicy = {
  storageClass: 'keep',
  tags: 'keep',
  acl: 'drop',
  objectLock: 'drop',
  encryption: 'default',
  onLoss: 'go-on',
}
