/**
 * Keys of the customer's (SSE-C): an object that was written with one is read with the same one, or not at all. Nothing is
 * encrypted here; which key it was is kept as the MD5 of it.
 */
import { createHash } from 'node:crypto'
import { S3Error } from './errors.ts'
import type { ObjectVersion } from './object-version.ts'
import type { S3Request } from './request.ts'

const header = 'x-amz-server-side-encryption-customer-'

/** Base64 of the key's MD5, or null where the request gives none. `prefix`: `x-amz-copy-source-` for the source of a copy. */
export function customerKeyOf({ headers }: S3Request, prefix = ''): string | null {
  const name = prefix === '' ? header : prefix + header.slice('x-amz-'.length)
  const [algorithm, key, md5] = ['algorithm', 'key', 'key-md5'].map((each) => headers.get(name + each))
  if (algorithm === undefined && key === undefined && md5 === undefined) return null
  if (algorithm !== 'AES256')
    throw new S3Error(
      'InvalidEncryptionAlgorithmError',
      'The encryption request that you specified is not valid.',
    )
  const bytes = Buffer.from(key ?? '', 'base64')
  if (bytes.length !== 32)
    throw new S3Error('InvalidArgument', 'The secret key was invalid for the specified algorithm.')
  if (md5 !== createHash('md5').update(bytes).digest('base64'))
    throw new S3Error(
      'InvalidArgument',
      'The calculated MD5 hash of the key did not match the hash that was provided.',
    )
  return md5
}

/** Before anything of an object is told. */
export function checkCustomerKey(request: S3Request, { extra }: ObjectVersion, prefix = ''): void {
  const given = customerKeyOf(request, prefix)
  const wanted = extra?.customerKey ?? null
  if (given === wanted) return
  if (wanted === null)
    throw new S3Error('InvalidRequest', 'The encryption parameters are not applicable to this object.')
  if (given !== null) throw new S3Error('AccessDenied')
  throw new S3Error(
    'InvalidRequest',
    'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
  )
}

export const customerKeyHeaders = (md5: string | null | undefined): Record<string, string> =>
  md5 ? { [`${header}algorithm`]: 'AES256', [`${header}key-md5`]: md5 } : {}
