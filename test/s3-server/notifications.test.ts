/** What the S3 server posts of its changes. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import { rawRequest } from '../support/s3-raw.ts'

it('tells of each object that is put, completed or deleted, as AWS does, again where it was not taken', async () => {
  const heard: { event: string; key: string; size?: number }[] = []
  const all = Promise.withResolvers<void>()
  let calls = 0
  const receiver = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const isTaken = ++calls > 1 && request.headers.authorization === 'Bearer secret'
    if (isTaken)
      for (const { eventName: event, s3 } of JSON.parse(text).Records) {
        expect(s3.bucket.name).toBe('photos')
        heard.push({ event, key: s3.object.key, size: s3.object.size })
      }
    response.writeHead(isTaken ? 202 : 503).end()
    if (heard.length >= 5) all.resolve()
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  const server = await startS3Server({
    credentials: { KEY: 'secret' },
    notify: { url: `http://127.0.0.1:${port}/changes`, token: 'secret' },
  })
  onTestFinished(async () => {
    await server.stop()
    receiver.close()
  })
  const store = { endpoint: server.url.href, key: 'KEY', secret: 'secret' }
  const ask = (method: string, path: string, body = '', query = '') =>
    rawRequest(store, method, path, { body, query })
  await ask('PUT', '/photos')
  await ask('PUT', '/photos/a%20b%C3%BC/c', 'abc')
  const begun = await ask('POST', '/photos/large', '', 'uploads=')
  const id = /<UploadId>([^<]+)/.exec(begun.text)![1]!
  const part = await ask('PUT', '/photos/large', 'part', `partNumber=1&uploadId=${id}`)
  await ask(
    'POST',
    '/photos/large',
    `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`,
    `uploadId=${id}`,
  )
  await ask('DELETE', '/photos/large')
  await ask('DELETE', '/photos/never')
  await ask('PUT', '/photos/a%20b%C3%BC/c', 'ab')
  await ask('DELETE', '/photos/a%20b%C3%BC/c')
  await all.promise
  expect(heard).toEqual([
    { event: 'ObjectCreated:Put', key: 'a+b%C3%BC/c', size: 3 },
    { event: 'ObjectCreated:Put', key: 'large', size: 4 },
    { event: 'ObjectRemoved:Delete', key: 'large' },
    { event: 'ObjectCreated:Put', key: 'a+b%C3%BC/c', size: 2 },
    { event: 'ObjectRemoved:Delete', key: 'a+b%C3%BC/c' },
  ])
})
