/** Multipart uploads that were begun and not ended, whoever began them. */
import { type Key, keyFromText } from '../../../shared/key.ts'
import type { OpenUpload } from '../storage.ts'
import { collect } from './body.ts'
import { escaped, type S3Client } from './client.ts'
import { malformed } from './errors.ts'
import { childrenOf, type Element, parseXml, textOf } from './xml.ts'

/** A thousand uploads of the longest keys, escaped, with their owners. */
const longestPage = 16 << 20

/** `prefix` is whole; so are the keys that come out, in the store's order. */
export async function* listUploads(
  client: S3Client,
  prefix: Key,
  signal: AbortSignal,
): AsyncGenerator<OpenUpload[]> {
  const place = client.where({ verb: 'LIST-UPLOADS', key: prefix })
  let [key, id] = ['', '']
  for (;;) {
    // Sorted by name, as they are signed. Keys are not asked for in escapes: Ceph's gateway makes some then, and does not say so.
    const query = [
      key === '' ? null : `key-marker=${escaped(key)}`,
      prefix === '' ? null : `prefix=${escaped(prefix)}`,
      id === '' ? null : `upload-id-marker=${escaped(id)}`,
      'uploads=',
    ]
    const response = await client.send({
      verb: 'LIST-UPLOADS',
      method: 'GET',
      key: null,
      query: query.filter((each) => each !== null).join('&'),
      signal,
    })
    const root = parseXml(await collect(response.body, longestPage))
    if (root?.name !== 'ListMultipartUploadsResult') throw malformed(place, 'no list of uploads')
    const found = childrenOf(root, 'Upload').map((each) => uploadOf(each))
    if (found.includes(null)) throw malformed(place, 'an upload without its key, id or date')
    if (found.length > 0) yield found as OpenUpload[]
    if (textOf(root, 'IsTruncated')?.trim() !== 'true') return
    const next = [keyFromText(textOf(root, 'NextKeyMarker') ?? ''), textOf(root, 'NextUploadIdMarker') ?? '']
    if (next[0] === '' || (next[0] === key && next[1] === id)) {
      throw malformed(place, 'the same page of uploads twice')
    }
    ;[key, id] = next as [string, string]
  }
}

function uploadOf(element: Element): OpenUpload | null {
  const name = textOf(element, 'Key')
  const upload = textOf(element, 'UploadId')
  const begun = Date.parse(textOf(element, 'Initiated') ?? '')
  return !name || !upload || Number.isNaN(begun) ? null : { key: keyFromText(name), upload, begun }
}
