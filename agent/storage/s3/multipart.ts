/** Multipart uploads: the parts themselves go the way of every body (upload.ts), the rest through the SDK. */
import { DrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import type { Multipart, OpenUpload, Storage } from '../storage.ts'
import { awsSdk } from './aws-sdk.ts'
import type { Besides } from './besides.ts'
import { escaped, type S3Client } from './client.ts'
import type { Conditions } from './conditional.ts'
import { type ControlRequest, openControl } from './control.ts'
import { malformed } from './errors.ts'
import { headersOf, unquoted } from './object-headers.ts'
import { upload } from './upload.ts'
import { listUploads } from './uploads.ts'

const MiB = 1 << 20
const GiB = 1024 * MiB

/** AWS's limits. Others allow more, hardly any allows less. */
const limits = { minPart: 5 * MiB, maxPart: 5 * GiB, maxParts: 10_000, maxWrite: 5 * GiB }

/** `whole` gives the key as the bucket has it, or throws where it cannot have it. */
export function openMultipart(
  client: S3Client,
  bucket: string,
  prefix: Key,
  whole: (key: Key, verb: string) => Key,
  head: Storage['head'],
  conditions: Conditions,
  grants: Besides['grants'],
): Multipart {
  const control = openControl(client)
  // The key that goes over the wire is the request's; the SDK only insists on having one.
  const name = { Bucket: bucket, Key: '-' }

  const listed = (request: ControlRequest, uploadId: string, marker?: string) => {
    const after = marker === undefined ? {} : { PartNumberMarker: marker }
    const command = new (awsSdk().ListPartsCommand)({ ...name, UploadId: uploadId, ...after })
    return control.run(request, (sdk, options) => sdk.send(command, options))
  }

  return {
    limits,

    async create(key, metadata, signal) {
      const request = {
        verb: 'CREATE-UPLOAD',
        key: whole(key, 'CREATE-UPLOAD'),
        signal,
        headers: {
          ...headersOf(metadata, 'parts'),
          ...(metadata.properties && (await grants(metadata.properties, signal))),
        },
      }
      const command = new (awsSdk().CreateMultipartUploadCommand)(name)
      const { UploadId } = await control.run(request, (sdk, options) => sdk.send(command, options))
      if (!UploadId) throw malformed(client.where(request), 'no upload id')
      return UploadId
    },

    async part(key, uploadId, number, body, signal) {
      const request = {
        verb: 'PUT-PART',
        key: whole(key, 'PUT-PART'),
        query: `partNumber=${number}&uploadId=${escaped(uploadId)}`,
        headers: {},
      }
      const { token } = await upload(client, request, body, signal)
      return { number, token, size: body.size }
    },

    async *list(key, uploadId, signal, after = 0) {
      const request = { verb: 'LIST-PARTS', key: whole(key, 'LIST-PARTS'), signal }
      let marker = after === 0 ? undefined : String(after)
      for (;;) {
        const page = await listed(request, uploadId, marker)
        const parts = (page.Parts ?? []).map(({ PartNumber, ETag, Size }) => {
          if (PartNumber === undefined || Size === undefined || !ETag) {
            throw malformed(client.where(request), 'a part without its number, size or ETag')
          }
          return { number: PartNumber, token: unquoted(ETag), size: Size }
        })
        if (parts.length > 0) yield parts
        if (!page.IsTruncated) return
        const next = page.NextPartNumberMarker ?? ''
        if (next === '' || Number(next) <= Number(marker ?? 0)) {
          throw malformed(client.where(request), 'the same page of parts twice')
        }
        marker = next
      }
    },

    async *uploads(start, signal) {
      for await (const page of listUploads(client, (prefix + start) as Key, signal)) {
        const inside = page.filter(({ key }) => key.startsWith(prefix))
        yield inside.map((each): OpenUpload => ({ ...each, key: each.key.slice(prefix.length) as Key }))
      }
    },

    async complete(key, uploadId, parts, signal, expected) {
      const request = { verb: 'COMPLETE-UPLOAD', key: whole(key, 'COMPLETE-UPLOAD'), signal }
      const Parts = [...parts]
        .sort((a, b) => a.number - b.number)
        .map(({ number, token }) => ({ PartNumber: number, ETag: `"${token}"` }))
      const command = new (awsSdk().CompleteMultipartUploadCommand)({
        ...name,
        UploadId: uploadId,
        MultipartUpload: { Parts },
      })
      const { ETag } = await conditions
        .hold(expected, { key, signal }, (headers) =>
          control.run({ ...request, headers }, (sdk, options) => sdk.send(command, options)),
        )
        .catch(async (error) => {
          // It may have been completed all the same, or long ago; then there is no such upload any more, and radosgw
          // answers with an internal error for that too.
          if (error instanceof DrayError && error.code === 'server-error') await listed(request, uploadId)
          throw error
        })
      if (ETag) return { token: unquoted(ETag), mtime: null }
      // radosgw is known to leave it empty.
      const made = await head(key, signal)
      if (!made) throw malformed(client.where(request), 'success, but without an object')
      return { token: made.entry.token, mtime: made.entry.mtime }
    },

    async abort(key, uploadId, signal) {
      const request = { verb: 'ABORT-UPLOAD', key: whole(key, 'ABORT-UPLOAD'), signal }
      const command = new (awsSdk().AbortMultipartUploadCommand)({ ...name, UploadId: uploadId })
      await control.run(request, (sdk, options) => sdk.send(command, options))
    },
  }
}
