/**
 * The checksums that travel with a body: Content-MD5 and x-amz-checksum-*, in a header or in a trailer. What is told is
 * verified, and an x-amz-checksum is kept. Unlike AWS, the server computes no CRC64NVME of its own accord.
 */
import { createHash } from 'node:crypto'
import { combineCrc, createCrc } from './crc.ts'
import { S3Error } from './errors.ts'
import type { S3Request } from './request.ts'

export const checksumNames = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type ChecksumName = (typeof checksumNames)[number]
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

export interface Checksum {
  readonly name: ChecksumName
  readonly type: ChecksumType
  /** Base64, for a composite followed by `-` and the number of parts. */
  readonly value: string
}

const lengths: Record<ChecksumName, number> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 }
/** Of a value, in base64. */
export const digitsOf = (name: ChecksumName): number => 4 * Math.ceil(lengths[name] / 3)
export const headerOf = (name: ChecksumName): string => `x-amz-checksum-${name.toLowerCase()}`

export function checksumName(text: string): ChecksumName {
  const name = checksumNames.find((each) => each === text.toUpperCase())
  if (name) return name
  throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.')
}

/** Which checksum a request promises, and its value, where that does not come in a trailer. */
export interface Promised {
  readonly name: ChecksumName
  readonly value: string | null
}

export function promisedChecksum(request: S3Request): Promised | null {
  const given = checksumNames.filter((name) => request.headers.has(headerOf(name)))
  const trailer = request.headers.get('x-amz-trailer')?.trim().toLowerCase()
  const trailing = checksumNames.find((name) => headerOf(name) === trailer)
  if (given.length + (trailing ? 1 : 0) > 1)
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  if (trailer !== undefined && trailing === undefined)
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')
  const name = given[0] ?? trailing
  const said = request.headers.get('x-amz-sdk-checksum-algorithm')
  if (said !== undefined && checksumName(said) !== name)
    throw new S3Error(
      'InvalidRequest',
      name === undefined
        ? 'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.'
        : 'Value for x-amz-sdk-checksum-algorithm header is invalid.',
    )
  if (name === undefined) return null
  const value = request.headers.get(headerOf(name)) ?? null
  if (value !== null) checkForm(name, value)
  return { name, value }
}

export function checkForm(name: ChecksumName, value: string): void {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length !== lengths[name] || bytes.toString('base64') !== value)
    throw new S3Error('InvalidRequest', `Value for ${headerOf(name)} header is invalid.`)
}

/** Hex of the promised MD5, or null. */
export function promisedMd5(request: S3Request): string | null {
  const value = request.headers.get('content-md5')
  if (value === undefined) return null
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length !== 16) throw new S3Error('InvalidDigest', undefined, { fields: { 'Content-MD5': value } })
  return bytes.toString('hex')
}

export interface Digest {
  update(bytes: Uint8Array): void
  digest(): Buffer
}

export function createDigest(name: ChecksumName): Digest {
  switch (name) {
    case 'SHA1':
    case 'SHA256':
      return createHash(name)
    default:
      return createCrc(name)
  }
}

export interface PartChecksum {
  readonly value: string
  readonly size: number
}

/** Of a multipart object, out of its parts' checksums. */
export function joinChecksums(
  name: ChecksumName,
  type: ChecksumType,
  parts: readonly PartChecksum[],
): Checksum {
  const values = parts.map(({ value }) => Buffer.from(value, 'base64'))
  if (type === 'COMPOSITE') {
    const digest = createDigest(name)
    for (const value of values) digest.update(value)
    return { name, type, value: `${digest.digest().toString('base64')}-${parts.length}` }
  }
  if (name === 'SHA1' || name === 'SHA256')
    throw new S3Error(
      'InvalidRequest',
      `The FULL_OBJECT checksum type cannot be used with the ${name.toLowerCase()} checksum algorithm.`,
    )
  const joined = values.reduce<Buffer>(
    (a, b, i) => (i === 0 ? b : combineCrc(name, a, b, parts[i]!.size)),
    values[0]!,
  )
  return { name, type, value: joined.toString('base64') }
}

export const checksumHeaders = (checksum: Checksum | null | undefined): Record<string, string> =>
  checksum ? { [headerOf(checksum.name)]: checksum.value, 'x-amz-checksum-type': checksum.type } : {}
