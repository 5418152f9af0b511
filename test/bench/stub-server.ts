/**
 * A stand-in S3 that checks nothing and costs little, so that the client is what a bench measures. Bucket `src` holds N generated keys of
 * one size, `mirror` holds the same, `dst` what was put. Run in a process of its own: `node stub-server.ts PORT KEYS BYTES [--no-md5] [--tls]`.
 * Not for tests of correctness: that is agent/s3-server.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'

const [port, count, size] = process.argv.slice(2, 5).map(Number) as [number, number, number]
const hashing = !process.argv.includes('--no-md5')
const body = Buffer.alloc(size)
for (let i = 0; i < size; i += 4) body.writeUInt32LE((i * 2654435761) >>> 0, Math.min(i, size - 4))
const md5 = createHash('md5').update(body).digest('hex')
const keyOf = (i: number) => `d${String(i % 100).padStart(2, '0')}/obj-${String(i).padStart(8, '0')}`
const keys = Array.from({ length: count }, (_, i) => keyOf(i)).sort()
const stored = new Map<string, { size: number; etag: string }>()
const uploads = new Map<string, Map<number, { size: number; etag: string }>>()
let nextUpload = 1

function after(key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! <= key) low = middle + 1
    else high = middle
  }
  return low
}

function answer(
  response: ServerResponse,
  status: number,
  xml = '',
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(xml),
    ...headers,
  })
  response.end(xml)
}

function list(bucket: string, query: URLSearchParams, response: ServerResponse): void {
  const prefix = query.get('prefix') ?? ''
  const most = Math.min(Number(query.get('max-keys') ?? 1000), 1000)
  const from = query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? ''
  const all = bucket === 'dst' ? [...stored.keys()].sort() : keys
  let at = bucket === 'dst' ? all.findIndex((key) => key > from) : after(from)
  if (at < 0) at = all.length
  let contents = ''
  let listed = 0
  for (; at < all.length && listed < most; at++) {
    const key = all[at]!
    if (!key.startsWith(prefix)) continue
    const object = bucket === 'dst' ? stored.get(key)! : { size, etag: md5 }
    contents += `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;${object.etag}&quot;</ETag><Size>${object.size}</Size><StorageClass>STANDARD</StorageClass></Contents>`
    listed++
  }
  const more = at < all.length
  const last = all[at - 1] ?? ''
  answer(
    response,
    200,
    `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${bucket}</Name><Prefix>${prefix}</Prefix><KeyCount>${listed}</KeyCount><MaxKeys>${most}</MaxKeys>${query.has('encoding-type') ? '<EncodingType>url</EncodingType>' : ''}<IsTruncated>${more}</IsTruncated>${more ? `<NextMarker>${last}</NextMarker><NextContinuationToken>${last}</NextContinuationToken>` : ''}${contents}</ListBucketResult>`,
  )
}

function take(request: IncomingMessage, done: (object: { size: number; etag: string }) => void): void {
  const hash = createHash('md5')
  let length = 0
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (hashing) hash.update(chunk)
  })
  request.on('end', () => done({ size: length, etag: hashing ? hash.digest('hex') : md5 }))
}

const serve: RequestListener = (request, response) => {
  const mark = request.url!.indexOf('?')
  const path = mark < 0 ? request.url! : request.url!.slice(0, mark)
  const query = new URLSearchParams(mark < 0 ? '' : request.url!.slice(mark + 1))
  const bucket = path.split('/', 2)[1]!
  const key = decodeURIComponent(path.slice(bucket.length + 2))
  const upload = query.get('uploadId')
  if (request.method === 'PUT') {
    take(request, (object) => {
      if (upload) uploads.get(upload)?.set(Number(query.get('partNumber')), object)
      else if (key) stored.set(key, object)
      answer(response, 200, '', { etag: `"${object.etag}"` })
    })
    return
  }
  request.resume()
  if (request.method === 'POST') {
    if (query.has('uploads')) {
      const id = `u${nextUpload++}`
      uploads.set(id, new Map())
      return answer(
        response,
        200,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      )
    }
    const parts = uploads.get(upload ?? '') ?? new Map()
    uploads.delete(upload ?? '')
    const digests = [...parts.entries()]
      .sort((a, b) => a[0] - b[0])
      .map(([, part]) => Buffer.from(part.etag, 'hex'))
    const etag = `${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${digests.length}`
    stored.set(key, { size: [...parts.values()].reduce((sum, part) => sum + part.size, 0), etag })
    return answer(
      response,
      200,
      `<CompleteMultipartUploadResult><ETag>&quot;${etag}&quot;</ETag></CompleteMultipartUploadResult>`,
    )
  }
  if (request.method === 'DELETE') return answer(response, 204)
  if (!key) {
    if (query.has('location')) return answer(response, 200, '<LocationConstraint/>')
    if (request.method === 'HEAD') return answer(response, 200)
    return list(bucket, query, response)
  }
  const object = bucket === 'dst' ? stored.get(key) : { size, etag: md5 }
  if (!object) return answer(response, 404, '<Error><Code>NoSuchKey</Code></Error>')
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const first = range ? Number(range[1]) : 0
  const last = range?.[2] ? Math.min(Number(range[2]), object.size - 1) : object.size - 1
  const headers: Record<string, string | number> = {
    'content-length': last - first + 1,
    etag: `"${object.etag}"`,
    'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    'content-type': 'image/jpeg',
    'x-amz-meta-mtime': '1700000000.123456789',
    'x-amz-meta-owner': 'bench',
    'accept-ranges': 'bytes',
  }
  if (range) headers['content-range'] = `bytes ${first}-${last}/${object.size}`
  response.writeHead(range ? 206 : 200, headers)
  response.end(request.method === 'GET' ? body.subarray(first, last + 1) : undefined)
}

/** A key that everybody knows, for localhost alone. */
const pem = process.argv.includes('--tls')
  ? readFileSync(join(import.meta.dirname, '../support/localhost.pem'))
  : null
const server = pem ? createTlsServer({ key: pem, cert: pem }, serve) : createServer(serve)
server.keepAliveTimeout = 60_000
server.listen(port, '127.0.0.1', () => console.log(`listening ${port}`))
