/** An object's properties as HTTP headers carry them. Values stay byte strings: nothing is decoded or rewritten. */
import type { Key } from '../../../shared/key.ts'
import type { Entry, Head, Metadata } from '../storage.ts'
import type { HttpResponse, WholeResponse } from './http.ts'
import { headersOfProperties, propertiesOf, saysProperty } from './properties.ts'
import { addHeader } from './wire/head.ts'

type Answer = Pick<HttpResponse | WholeResponse, 'head' | 'headers'>

const plain: ReadonlySet<string> = new Set([
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
])
const userPrefix = 'x-amz-meta-'

/** An ETag without its quotes, as tokens are. */
export function unquoted(etag: string): string {
  const last = etag.length - 1
  // As most are.
  if (last > 0 && etag.charCodeAt(0) === quote && etag.charCodeAt(last) === quote) return etag.slice(1, last)
  return etag.replace(/^(?:W\/)?"?|"$/g, '')
}
const quote = 0x22

/** What the answer to a GET or HEAD says of an object; a string says what is missing. `size` where it is not the body's. */
export function headOf(key: Key, answer: Answer, size: number): Head | string {
  const { head } = answer
  const token = unquoted(head.get('etag') ?? '')
  const modified = Date.parse(head.get('last-modified') ?? '')
  if (!token) return 'an object without an ETag'
  if (Number.isNaN(modified)) return 'an object without a Last-Modified'
  const entry: Writable<Entry> = { key, kind: 'object', size, mtime: modified * 1000, token }
  const found: Record<string, string> = {}
  const user: Record<string, string> = {}
  let isPlain = true
  const { names } = head
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    if (plain.has(name)) addHeader(found, name, head.valueAt(i))
    else if (!name.startsWith('x-amz-')) continue
    else if (name.startsWith(userPrefix)) addHeader(user, userName(name), head.valueAt(i))
    else if (saysProperty(name)) isPlain = false
  }
  undoChunks(found)
  if (isPlain) return { entry, metadata: { headers: found, user } }
  const storageClass = head.get('x-amz-storage-class')
  if (storageClass && storageClass !== 'STANDARD') entry.storageClass = storageClass
  const properties = propertiesOf(answer.headers)
  return { entry, metadata: { headers: found, user, ...(properties && { properties }) } }
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] }

/** Names of user metadata by those of their headers, and the other way round: few, and the same for every object. */
const userNames = new Map<string, string>()
const userHeaders = new Map<string, string>()
const mostKept = 10_000

const userName = (header: string) => keptIn(userNames, header, () => header.slice(userPrefix.length))
const userHeader = (name: string) => keptIn(userHeaders, name, () => userPrefix + name)

function keptIn(map: Map<string, string>, name: string, make: () => string): string {
  let made = map.get(name)
  if (made === undefined) {
    made = make()
    if (map.size >= mostKept) map.clear()
    map.set(name, made)
  }
  return made
}

/** The headers that give a new object its metadata, in one piece or as an upload. */
export function headersOf(metadata: Metadata, upload: 'whole' | 'parts' = 'whole'): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in metadata.headers) if (plain.has(name)) headers[name] = metadata.headers[name]!
  undoChunks(headers)
  for (const name in metadata.user) headers[userHeader(name)] = metadata.user[name]!
  if (metadata.properties) Object.assign(headers, headersOfProperties(metadata.properties, upload))
  return headers
}

/**
 * `aws-chunked` tells how a body was sent once, and nothing of the object. Some stores keep it, and any store would take our body
 * for chunked.
 */
function undoChunks(headers: Record<string, string>): void {
  const encoding = headers['content-encoding']
  if (!encoding?.includes('aws-chunked')) return
  const others = encoding.split(',').filter((part) => part.trim().toLowerCase() !== 'aws-chunked')
  if (others.length > 0) headers['content-encoding'] = others.join(',').trim()
  else delete headers['content-encoding']
}

/** Whether the ETag of this object is not the MD5 of its body, whatever it looks like: it was encrypted with a key of KMS or of the client. */
export const isOpaque = ({ head }: Answer) =>
  head.get('x-amz-server-side-encryption')?.startsWith('aws:kms') === true ||
  head.get('x-amz-server-side-encryption-customer-algorithm') !== undefined
