/** CopyObject and UploadPartCopy. Both may answer 200 and bring an error in it, since a long copy is answered before it is done. */
import { DrayError } from '../../../shared/error.ts'
import { escapeKey, type Key } from '../../../shared/key.ts'
import type { CopyFrom, Origin } from '../copy-from.ts'
import type { Properties } from '../properties.ts'
import { escaped, patience, type S3Client, type S3Request } from './client.ts'
import type { Conditions } from './conditional.ts'
import { malformed, refusalError } from './errors.ts'
import { headersOf, unquoted } from './object-headers.ts'
import { headersOfLock } from './properties.ts'
import { payer } from './terms.ts'
import { parseXml, textOf } from './xml.ts'

type Headers = Readonly<Record<string, string>>

/** S3's own limit of a CopyObject. */
const most = 5 * 1024 ** 3
const longestAnswer = 64 * 1024

export function openCopyFrom(
  client: S3Client,
  whole: (key: Key, verb: string) => Key,
  conditions: Conditions,
  grants: (properties: Properties, signal: AbortSignal) => Promise<Headers>,
  isAws: boolean,
): CopyFrom {
  /** The ETag of what was made. */
  async function send(request: S3Request, root: string): Promise<string> {
    const { body } = await client.whole(request, longestAnswer)
    const place = client.where(request)
    const document = parseXml(body)
    if (document?.name === 'Error') {
      const [code, message] = [textOf(document, 'Code'), textOf(document, 'Message') ?? '']
      const nothing = { region: null, retryAfter: null, skewMs: null }
      throw refusalError(place, { status: 500, code, message, ...nothing })
    }
    const token = document?.name === root ? unquoted(textOf(document, 'ETag') ?? '') : ''
    if (token === '') throw malformed(place, 'success, but without a copy')
    return token
  }

  return {
    most,

    async whole(origin, key, metadata, signal, expected) {
      const { properties = {} } = metadata
      const headers = {
        ...headersOf(metadata, 'parts'),
        ...headersOfLock(properties),
        ...(await grants(properties, signal)),
        ...source(origin),
        'x-amz-metadata-directive': 'REPLACE',
        'x-amz-tagging-directive': 'REPLACE',
        // The store computes it anew, of the same kind.
        ...(properties.checksum && {
          'x-amz-checksum-algorithm': properties.checksum.algorithm.toUpperCase(),
        }),
      }
      const request = { verb: 'COPY', method: 'PUT', key: whole(key, 'COPY'), signal } as const
      const token = await conditions.hold(expected, { key, signal }, (condition) =>
        send(
          { ...request, headers: { ...headers, ...condition }, patience: patience.write },
          'CopyObjectResult',
        ),
      )
      return { token, mtime: null }
    },

    async part(origin, { first, last }, key, upload, number, signal) {
      const request = {
        verb: 'COPY-PART',
        method: 'PUT',
        key: whole(key, 'COPY-PART'),
        query: `partNumber=${number}&uploadId=${escaped(upload)}`,
        headers: { ...source(origin), 'x-amz-copy-source-range': `bytes=${first}-${last}` },
        signal,
        patience: patience.write,
      } as const
      // Ceph's gateway unescapes the origin of a part twice: it would copy another object, or end with an assertion (16.2).
      if (!isAws && (origin.place.prefix + origin.key).includes('%')) {
        const { op } = client.where(request)
        throw new DrayError(
          'invalid-request',
          op,
          'Not every store can copy parts of a key with a "%" in it.',
        )
      }
      return { number, token: await send(request, 'CopyPartResult'), size: last - first + 1 }
    },
  }
}

function source({ place, key, token, version }: Origin): Headers {
  const path = `${place.bucket}/${escapeKey((place.prefix + key) as Key)}`
  return {
    'x-amz-copy-source': version === undefined ? path : `${path}?versionId=${escaped(version)}`,
    'x-amz-copy-source-if-match': `"${token}"`,
    ...(place.requesterPays && payer),
  }
}
