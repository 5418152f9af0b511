/**
 * A stand-in S3 that checks little and costs little, so that the client is what a bench measures. Buckets `src` and `mirror` hold KEYS generated
 * objects of BYTES each, every other one what was put. In a process of its own:
 *
 *   node stub-server.ts PORT KEYS BYTES [--flat] [--no-md5] [--tls] [--latency MS]
 *
 * A body that is put is hashed, held to its Content-MD5 and forgotten; its ETag and headers stay. `--no-md5` believes bodies of more than 64 KiB: their
 * ETag is the Content-MD5 that came along, or the one that the generated object has at that place. `--flat` leaves folders out of the keys.
 * Not for tests of correctness: that is agent/s3-server.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { parseArgs } from 'node:util'
import { type Answer, type Asked, type Handling, serveConnection } from './stub-http.ts'
import { bytesOf, digestOf, etagOf, joinedEtag, partOf, partsOf, sliceOf } from './synthetic.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    flat: { type: 'boolean' },
    'no-md5': { type: 'boolean' },
    tls: { type: 'boolean' },
    latency: { type: 'string', default: '0' },
  },
})
const [port, count, size] = positionals.map(Number) as [number, number, number]
/** Bytes; smaller bodies are always hashed, so that whoever asks whether bodies are checked gets the truth. */
const cheapToHash = 64 * 1024

interface Stored {
  readonly size: number
  readonly etag: string
  /** Header lines. */
  readonly metadata: string
}

const number = (i: number) => String(i).padStart(8, '0')
const keyOf = (i: number) =>
  options.flat ? `obj-${number(i)}` : `d${String(i % 100).padStart(2, '0')}/obj-${number(i)}`
const generated = {
  keys: Array.from({ length: count }, (_, i) => keyOf(i)).sort(),
  object: {
    size,
    etag: count > 0 ? etagOf(size) : '',
    metadata:
      'content-type: image/jpeg\r\nx-amz-meta-mtime: 1700000000.123456789\r\nx-amz-meta-owner: bench\r\n',
  } satisfies Stored,
}
const buckets = new Map<string, Map<string, Stored>>()
const uploads = new Map<string, { metadata: string; parts: Map<number, Stored> }>()
let lastUpload = 0

const isGenerated = (bucket: string) => bucket === 'src' || bucket === 'mirror'

function bucketOf(name: string): Map<string, Stored> {
  const bucket = buckets.get(name) ?? new Map<string, Stored>()
  buckets.set(name, bucket)
  return bucket
}

function find(bucket: string, key: string): Stored | undefined {
  if (!isGenerated(bucket)) return bucketOf(bucket).get(key)
  return generated.keys[firstAfter(generated.keys, key) - 1] === key ? generated.object : undefined
}

/** The place of the first key greater than `key`. */
function firstAfter(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! <= key) low = middle + 1
    else high = middle
  }
  return low
}

const xml = (body: string, status = 200): Answer => {
  const bytes = Buffer.from(body)
  return { status, headers: 'content-type: application/xml\r\n', length: bytes.length, body: bytes }
}
const empty = (status: number, headers = ''): Answer => ({ status, headers, length: 0 })
const refusal = (status: number, code: string) => xml(`<Error><Code>${code}</Code></Error>`, status)

/** Sorted once for a listing, however many pages it has. */
const sorted = new Map<string, { keys: string[]; of: number }>()
function keysOf(bucket: string): readonly string[] {
  if (isGenerated(bucket)) return generated.keys
  const stored = bucketOf(bucket)
  let known = sorted.get(bucket)
  if (known?.of !== stored.size) {
    known = { keys: [...stored.keys()].sort(), of: stored.size }
    sorted.set(bucket, known)
  }
  return known.keys
}

function list(bucket: string, query: URLSearchParams): Answer {
  const prefix = query.get('prefix') ?? ''
  const most = Math.min(Number(query.get('max-keys') ?? 1000), 1000)
  const asked = query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const keys = keysOf(bucket)
  const after = asked < prefix && prefix !== '' ? `${prefix.slice(0, -1)}${before(prefix)}` : asked
  let contents = ''
  let listed = 0
  let last = ''
  let at = firstAfter(keys, after)
  for (; at < keys.length && listed < most && keys[at]!.startsWith(prefix); listed++) {
    const key = keys[at]!
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    if (cut >= 0) {
      const folder = key.slice(0, cut + 1)
      contents += `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`
      last = `${folder}\uffff`
      at = firstAfter(keys, last)
      continue
    }
    const object = isGenerated(bucket) ? generated.object : bucketOf(bucket).get(key)!
    contents += `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;${object.etag}&quot;</ETag><Size>${object.size}</Size><StorageClass>STANDARD</StorageClass></Contents>`
    last = key
    at++
  }
  const more = at < keys.length && keys[at]!.startsWith(prefix)
  return xml(
    `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${bucket}</Name><Prefix>${prefix}</Prefix><KeyCount>${listed}</KeyCount><MaxKeys>${most}</MaxKeys>${query.has('encoding-type') ? '<EncodingType>url</EncodingType>' : ''}<IsTruncated>${more}</IsTruncated>${more ? `<NextMarker>${last}</NextMarker><NextContinuationToken>${last}</NextContinuationToken>` : ''}${contents}</ListBucketResult>`,
  )
}

/** What stands just before a prefix that ends in this character. */
const before = (prefix: string) => `${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) - 1)}\uffff`

/** `store` gets what came, unless it is not what Content-MD5 says. `first`: where a generated object would have these bytes. */
function receive(asked: Asked, first: number, store: (etag: string) => Answer): Handling {
  const hash = options['no-md5'] && asked.length > cheapToHash ? null : createHash('md5')
  const promised = asked.headers.get('content-md5')
  const expected = promised === undefined ? null : Buffer.from(promised, 'base64').toString('hex')
  return {
    take: hash ? (piece) => void hash.update(piece) : undefined,
    answer() {
      const digest = hash?.digest('hex') ?? expected ?? digestOf(first, asked.length)
      return expected === null || expected === digest ? store(digest) : refusal(400, 'BadDigest')
    },
  }
}

function metadataOf({ headers }: Asked): string {
  let lines = ''
  for (const [name, value] of headers)
    if (name === 'content-type' || name.startsWith('x-amz-meta-')) lines += `${name}: ${value}\r\n`
  return lines
}

function put(asked: Asked, bucket: string, key: string, query: URLSearchParams): Handling {
  if (key === '') return { answer: () => empty(200) }
  if (asked.headers.has('x-amz-copy-source')) return { answer: () => refusal(501, 'NotImplemented') }
  const upload = query.get('uploadId')
  if (upload === null)
    return receive(asked, 0, (etag) => {
      const there = bucketOf(bucket).has(key)
      if (there && asked.headers.get('if-none-match') === '*') return refusal(412, 'PreconditionFailed')
      bucketOf(bucket).set(key, { size: asked.length, etag, metadata: metadataOf(asked) })
      return empty(200, `etag: "${etag}"\r\n`)
    })
  const part = Number(query.get('partNumber'))
  // All parts but the last have one size; the last begins where those before it end.
  const known = uploads.get(upload)?.parts.get(1)?.size ?? asked.length
  return receive(asked, part === 1 ? 0 : (part - 1) * known, (etag) => {
    const parts = uploads.get(upload)?.parts
    if (!parts) return refusal(404, 'NoSuchUpload')
    parts.set(part, { size: asked.length, etag, metadata: '' })
    return empty(200, `etag: "${etag}"\r\n`)
  })
}

function post(asked: Asked, bucket: string, key: string, query: URLSearchParams): Answer {
  if (query.has('uploads')) {
    const id = `u${++lastUpload}`
    uploads.set(id, { metadata: metadataOf(asked), parts: new Map() })
    return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
  }
  const id = query.get('uploadId') ?? ''
  const upload = uploads.get(id)
  if (!upload) return refusal(404, 'NoSuchUpload')
  uploads.delete(id)
  const parts = [...upload.parts].sort((a, b) => a[0] - b[0]).map(([, part]) => part)
  const etag = joinedEtag(parts.map((part) => part.etag))
  const whole = parts.reduce((sum, part) => sum + part.size, 0)
  bucketOf(bucket).set(key, { size: whole, etag, metadata: upload.metadata })
  return xml(
    `<CompleteMultipartUploadResult><ETag>&quot;${etag}&quot;</ETag></CompleteMultipartUploadResult>`,
  )
}

function remove(bucket: string, key: string, query: URLSearchParams): Answer {
  const upload = query.get('uploadId')
  if (upload !== null) uploads.delete(upload)
  else {
    bucketOf(bucket).delete(key)
    sorted.delete(bucket)
  }
  return empty(204)
}

function ofBucket(method: string, bucket: string, query: URLSearchParams): Answer {
  if (method === 'HEAD') return empty(200)
  if (query.has('location')) return xml('<LocationConstraint/>')
  if (query.has('versioning')) return xml('<VersioningConfiguration/>')
  if (query.has('uploads'))
    return xml('<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>')
  if (query.has('versions') || query.has('object-lock') || query.has('encryption'))
    return refusal(501, 'NotImplemented')
  return list(bucket, query)
}

function listParts(id: string): Answer {
  const upload = uploads.get(id)
  if (!upload) return refusal(404, 'NoSuchUpload')
  const parts = [...upload.parts].sort((a, b) => a[0] - b[0])
  return xml(
    `<ListPartsResult><IsTruncated>false</IsTruncated>${parts.map(([n, { size, etag }]) => `<Part><PartNumber>${n}</PartNumber><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size></Part>`).join('')}</ListPartsResult>`,
  )
}

function get(asked: Asked, bucket: string, key: string, query: URLSearchParams): Answer {
  const { method, headers } = asked
  if (query.has('uploadId')) return listParts(query.get('uploadId')!)
  const object = find(bucket, key)
  if (!object) return method === 'HEAD' ? empty(404) : refusal(404, 'NoSuchKey')
  if (query.has('tagging')) return xml('<Tagging><TagSet/></Tagging>')
  if (query.has('acl')) return refusal(501, 'NotImplemented')
  const match = headers.get('if-match')
  if (match !== undefined && match.replaceAll('"', '') !== object.etag)
    return method === 'HEAD' ? empty(412) : refusal(412, 'PreconditionFailed')
  const part = query.get('partNumber')
  const parts = partsOf(object.size)
  const range = part !== null && parts > 0 ? partOf(object.size, Number(part)) : rangeOf(headers, object)
  const { first, last } = range ?? { first: 0, last: object.size - 1 }
  const length = last - first + 1
  const lines =
    `etag: "${object.etag}"\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\naccept-ranges: bytes\r\n${object.metadata}` +
    (range ? `content-range: bytes ${first}-${last}/${object.size}\r\n` : '') +
    (part !== null && parts > 0 ? `x-amz-mp-parts-count: ${parts}\r\n` : '')
  const status = range ? 206 : 200
  if (method === 'HEAD') return { status, headers: lines, length }
  return { status, headers: lines, length, body: sliceOf(first, length) ?? bytesOf(first, length) }
}

function rangeOf(headers: Asked['headers'], { size }: Stored): { first: number; last: number } | null {
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.get('range') ?? '')
  if (!range) return null
  return { first: Number(range[1]), last: range[2] ? Math.min(Number(range[2]), size - 1) : size - 1 }
}

function handle(asked: Asked): Handling {
  const { method, path } = asked
  const slash = path.indexOf('/', 1)
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash)
  const key = slash < 0 ? '' : decodeURIComponent(path.slice(slash + 1))
  const query = new URLSearchParams(asked.query)
  if (method === 'PUT') return put(asked, bucket, key, query)
  return {
    answer() {
      if (method === 'POST') return post(asked, bucket, key, query)
      if (method === 'DELETE') return remove(bucket, key, query)
      return key === '' ? ofBucket(method, bucket, query) : get(asked, bucket, key, query)
    },
  }
}

/** A key that everybody knows, for localhost alone. */
const pem = options.tls ? readFileSync(join(import.meta.dirname, '../support/localhost.pem')) : null
const latency = Number(options.latency)
const server = pem
  ? createTlsServer({ key: pem, cert: pem }, (socket) => serveConnection(socket, handle, latency))
  : createServer((socket) => serveConnection(socket, handle, latency))
server.listen(port, '127.0.0.1', () => console.log(`listening ${port}`))
