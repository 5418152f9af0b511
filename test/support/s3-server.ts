/** An S3 server of the test's own, on a port of its own, that ends with the test file. */
import { afterAll } from 'vitest'
import { type S3Server, type S3ServerOptions, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { type RawAnswer, type RawOptions, type RawStore, rawRequest } from './s3-raw.ts'

export interface TestS3 {
  readonly server: S3Server
  readonly store: RawStore
  /** A signed request; `path` is escaped already. */
  call(method: string, path: string, options?: RawOptions): Promise<RawAnswer>
}

export async function testS3(options: Partial<S3ServerOptions> = {}): Promise<TestS3> {
  const server = await startS3Server({ credentials: { AKIDTEST: 'test secret' }, ...options })
  afterAll(() => server.stop())
  const store = { endpoint: server.url.href, key: 'AKIDTEST', secret: 'test secret' }
  return { server, store, call: (method, path, more) => rawRequest(store, method, path, more) }
}
