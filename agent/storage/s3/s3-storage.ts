/** S3 and whatever speaks its protocol, behind the one storage interface. */
import { DrayError } from '../../../shared/error.ts'
import { displayKey, type Key, keyFromText, keyToText } from '../../../shared/key.ts'
import { formatLocation, type S3Location } from '../../../shared/location.ts'
import { BytesReading } from '../bytes-reading.ts'
import type { ByteRange, Head, Reading, Storage } from '../storage.ts'
import type { Access } from './access.ts'
import { openArchive } from './archive.ts'
import { openBesides } from './besides.ts'
import { ignore } from './body.ts'
import type { S3Client } from './client.ts'
import { createConditions } from './conditional.ts'
import { openCopyFrom } from './copy-from.ts'
import { type CustomerKey, withCustomerKey } from './customer-key.ts'
import { openDigestProbe } from './digest-probe.ts'
import { malformed } from './errors.ts'
import { listFolder } from './folder.ts'
import { partHeadOf, partQuery } from './head-part.ts'
import type { HttpResponse, WholeResponse } from './http.ts'
import { listObjects } from './list.ts'
import { openMultipart } from './multipart.ts'
import { headersOf, headOf, isOpaque } from './object-headers.ts'
import { type OpenClientOptions, openClient } from './open-client.ts'
import { identityOf } from './store-identity.ts'
import { upload } from './upload.ts'
import { ofVersion, openVersions, versionQuery } from './versions.ts'

/** S3's own limit, in bytes. */
const longestKey = 1024
/** A refusal may be longer than the object that was asked for. */
const leastWhole = 64 * 1024

/** Looks up credentials, region and endpoint; asks nothing of the store yet. `checksums`: reads ask for those that are stored. */
export async function openS3Storage(
  location: S3Location,
  options: OpenClientOptions & StorageOptions,
): Promise<Storage> {
  const { access, client } = await openClient(location, options)
  return storageOver(client, access, location, options)
}

export interface StorageOptions {
  customerKey?: CustomerKey
  checksums?: boolean
}

/** The same with a client that there is already. */
export async function storageOver(
  plain: S3Client,
  access: Access,
  location: S3Location,
  options: StorageOptions = {},
): Promise<Storage> {
  const { bucket } = location
  const prefix = keyFromText(location.prefix)
  const client = options.customerKey ? withCustomerKey(plain, options.customerKey) : plain
  /** AWS alone is known to hold a DELETE to its If-Match; others refuse or ignore it. */
  const deletesConditionally = access.endpoint === null
  const conditions = createConditions(head)
  let opaque = false

  const unsupported = (key: Key): string | null => {
    const length = prefix.length + key.length
    if (length === 0)
      return 'The key is empty (a folder marker of the location itself), and a bucket has no such name; a prefix has.'
    if (length > longestKey) return `S3 keys have at most ${longestKey} bytes, this one has ${length}.`
    return keyToText(key) === null ? 'S3 keys are UTF-8, this one is not.' : null
  }
  const whole = (key: Key, verb: string): Key => {
    const why = unsupported(key)
    if (why === null) return (prefix + key) as Key
    const op = `${verb} ${formatLocation(location)}${displayKey(key)}`
    throw new DrayError('unsupported-key', op, why, { hint: 'Rename the object at the source.' })
  }
  const look = (response: WholeResponse | HttpResponse) => {
    if (isOpaque(response)) opaque = true
  }

  const besides = openBesides(client, whole)
  const { accessKeyId } = await access.credentials()
  const place = {
    store: `${identityOf(access.endpoint)} ${accessKeyId}`,
    bucket,
    prefix,
    ...(location.requesterPays && { requesterPays: true as const }),
  }
  const copyFrom = openCopyFrom(client, whole, conditions, besides.grants, access.endpoint === null)

  async function head(key: Key, signal: AbortSignal, version?: string): Promise<Head | null> {
    if (unsupported(key) !== null) return null
    const query = versionQuery(version)
    const request = { verb: 'HEAD', method: 'HEAD', key: whole(key, 'HEAD'), query, signal } as const
    const response = await nullIfNotFound(client.send(request))
    if (!response) return null
    ignore(response.body)
    look(response)
    const size = Number(response.headers['content-length'] ?? Number.NaN)
    let found = Number.isSafeInteger(size) ? headOf(key, response, size) : 'an object without a length'
    if (typeof found !== 'string') found = ofVersion(found, response, version)
    if (typeof found === 'string') throw malformed(client.where(request), found)
    return found
  }

  return {
    kind: 's3',
    name: formatLocation(location),
    // Until an answer says that objects here are encrypted in a way that makes other ETags.
    get tokens() {
      return opaque ? 'none' : 'md5'
    },
    walks: false,
    unsupported,
    refusesWrongMd5: openDigestProbe(client, whole),
    list: (range, { signal }) => listObjects(client, prefix, range, signal),
    folder: (options) => listFolder(client, prefix, options),
    head,

    async headPart(entry, number, signal) {
      const request = { verb: 'HEAD', method: 'HEAD', key: whole(entry.key, 'HEAD'), signal } as const
      const headers = { 'if-match': `"${entry.token}"` }
      const response = await nullIfNotFound(
        client.send({ ...request, headers, query: partQuery(entry, number) }),
      )
      if (!response) return null
      ignore(response.body)
      look(response)
      const found = partHeadOf(entry, response)
      if (typeof found === 'string') throw malformed(client.where(request), found)
      if (found.head.entry.token !== entry.token) throw changed(client.where(request).op)
      return found
    },

    async read(key, { token, version, range, atOnce, signal }): Promise<Reading | null> {
      if (unsupported(key) !== null) return null
      const headers: Record<string, string> = {}
      if (token !== undefined) headers['if-match'] = `"${token}"`
      if (range) headers.range = `bytes=${range.first}-${range.last}`
      else if (options.checksums) headers['x-amz-checksum-mode'] = 'ENABLED'
      const query = versionQuery(version)
      const request = { verb: 'GET', method: 'GET', key: whole(key, 'GET'), query, headers, signal } as const
      let response: WholeResponse | HttpResponse
      try {
        const asked = atOnce === undefined || range ? null : Math.max(atOnce, leastWhole)
        response = await (asked === null ? client.send(request) : client.whole(request, asked))
      } catch (error) {
        if (isTooLong(error)) throw changed(client.where(request).op)
        if (error instanceof DrayError && error.code === 'not-found') return null
        throw error
      }
      look(response)
      const { body } = response
      try {
        const size = wholeSize(response, range)
        let found = typeof size === 'string' ? size : headOf(key, response, size)
        if (typeof found !== 'string') found = ofVersion(found, response, version)
        if (typeof found === 'string') throw malformed(client.where(request), found)
        if (token !== undefined && found.entry.token !== token) throw changed(client.where(request).op)
        if (Buffer.isBuffer(body)) return new BytesReading(found, body, response as WholeResponse)
        return { ...found, body }
      } catch (error) {
        if (!Buffer.isBuffer(body)) body.destroy()
        throw error
      }
    },

    async write(key, body, metadata, signal, expected) {
      const given = headersOf(metadata)
      return conditions.hold(expected, { key, signal }, (condition) => {
        const headers = Object.assign(condition, given)
        // Also where the store has no conditions.
        const once = expected !== undefined
        const request = { verb: 'PUT', key: whole(key, 'PUT'), headers, once }
        if (!metadata.properties) return upload(client, request, body, signal, look)
        const put = (more: Readonly<Record<string, string>>) =>
          upload(client, { ...request, headers: { ...request.headers, ...more } }, body, signal, look)
        return besides.write(key, metadata.properties, body, put, signal)
      })
    },

    async delete(key, { token, signal }) {
      const found = await head(key, signal)
      if (!found) return false
      const request = { verb: 'DELETE', method: 'DELETE', key: whole(key, 'DELETE'), signal } as const
      const expected = found.entry.token
      if (token !== undefined && token !== expected) throw changed(client.where(request).op)
      const headers: Record<string, string> = {}
      if (deletesConditionally && token !== undefined) headers['if-match'] = `"${expected}"`
      const response = await nullIfNotFound(client.send({ ...request, headers }))
      if (response) ignore(response.body)
      return response !== null
    },

    ...(options.customerKey ? {} : { place, copyFrom }),
    archive: openArchive(client, whole),
    describe: besides.describe,
    holds: besides.holds,
    amend: besides.amend,
    multipart: openMultipart(client, bucket, prefix, whole, head, conditions, besides.grants),
    versions: openVersions(client, prefix, whole),
    close: () => client.close(),
  }
}

/** The size of the object whose bytes these are; a string says why they cannot be those that were asked for. */
function wholeSize(
  { status, head }: WholeResponse | HttpResponse,
  range: ByteRange | undefined,
): number | string {
  const length = Number(head.get('content-length') ?? Number.NaN)
  if (!Number.isSafeInteger(length)) return 'an object without a length'
  const others = 'other bytes than those that were asked for'
  if (!range) return status === 200 ? length : others
  if (length !== range.last - range.first + 1) return others
  // A server that gives all of the object may do so where all of it was asked for.
  if (status === 200) return range.first === 0 ? length : others
  const said = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(head.get('content-range') ?? '')
  if (!said || Number(said[1]) !== range.first || Number(said[2]) !== range.last) return others
  return Number(said[3])
}

/** More than the object should have. */
const isTooLong = (error: unknown): boolean =>
  error instanceof DrayError && (error.cause as { code?: unknown } | undefined)?.code === tooLongCode
const tooLongCode = 'UND_ERR_RES_EXCEEDED_MAX_SIZE'

const changed = (op: string) =>
  new DrayError('changed', op, `The object changed meanwhile (${op}).`, { retry: 'later' })

async function nullIfNotFound<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof DrayError && error.code === 'not-found') return null
    throw error
  }
}
