/** The S3 adapter through an HTTP proxy is held to what it is held to over sockets of its own. */
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openProxiedHttp } from '../../agent/storage/s3/proxied-http.ts'
import { proxyOf } from '../../agent/storage/s3/proxy.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import { describeStorage, noSignal } from './contract.ts'

let server: S3Server
let proxy: Server
let forwarded = 0
let buckets = 0

/** Takes `store.test`, which nobody else knows, for the server. */
function startProxy(to: URL): Server {
  const proxy = createServer((asked, answer) => {
    forwarded++
    const { method, headers } = asked
    // Nothing of it is resolved: a key may be `a/../b`.
    const path = asked.url!.slice(asked.url!.indexOf('/', 'http://'.length))
    const passed = request({ host: to.hostname, port: to.port, method, path, headers })
    passed.on('response', (from) => {
      answer.writeHead(from.statusCode!, from.headers)
      from.on('error', () => answer.destroy()).pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    asked.on('error', () => passed.destroy()).pipe(passed)
    answer.on('close', () => passed.destroy())
  })
  proxy.on('connect', (asked, socket) => {
    forwarded++
    const through = connect(Number(to.port), to.hostname, () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      socket.pipe(through).pipe(socket)
    })
    through.on('error', () => socket.destroy())
    socket.on('error', () => through.destroy())
    expect(asked.url).toMatch(/^store\.test:\d+$/)
  })
  return proxy.listen(0, '127.0.0.1')
}

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  server = await startS3Server({ credentials: { AKIDTEST: 'secret of the test' } })
  proxy = startProxy(server.url)
  await once(proxy, 'listening')
})
afterAll(async () => {
  expect(forwarded).toBeGreaterThan(50)
  proxy.closeAllConnections()
  proxy.close()
  await server.stop()
  vi.unstubAllEnvs()
})

describeStorage('S3 storage through a proxy', async () => {
  const bucket = `bucket-${++buckets}`
  server.createBucket(bucket)
  const endpoint = `http://store.test:${server.url.port}`
  const location = { kind: 's3', bucket, prefix: 'p/', endpoint } as const
  return {
    storage: await openS3Storage(
      { ...location, region: null, profile: null, site: null },
      { connections: 16, env: { HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` } },
    ),
    leftovers: async () => server.uploads(bucket).map((upload) => upload.key),
    cleanup: () => {},
  }
})

describe('a proxy', () => {
  test('is asked for a tunnel to a server that speaks TLS', async () => {
    const { port } = proxy.address() as AddressInfo
    const before = forwarded
    const http = openProxiedHttp({ connections: 1 }, `http://127.0.0.1:${port}`)
    const asked = http.send({
      origin: `https://store.test:${server.url.port}`,
      method: 'GET',
      path: '/',
      headers: {},
      body: null,
      signal: noSignal,
      patience: 5_000,
      fault: (error) => error as Error,
    })
    // The server behind the tunnel speaks none.
    await expect(asked).rejects.toThrow()
    expect(forwarded).toBe(before + 1)
    await http.close()
  })

  test('is the one that the environment names for an address', () => {
    const of = (origin: string, env: Record<string, string>) => proxyOf(origin, env)
    const both = { HTTPS_PROXY: 'http://p:3128', HTTP_PROXY: 'q:80' }
    expect(of('https://s3.example.com', both)).toBe('http://p:3128')
    expect(of('http://s3.example.com:9000', both)).toBe('http://q:80')
    expect(of('https://s3.example.com', { ...both, https_proxy: 'http://small' })).toBe('http://small')
    expect(of('https://s3.example.com', { HTTP_PROXY: 'q' })).toBeNull()
    for (const here of ['localhost:1', '127.0.0.1', '[::1]:9000'])
      expect(of(`http://${here}`, both)).toBeNull()
    const without = (rules: string) => of('https://s3.example.com:9000', { ...both, NO_PROXY: rules })
    for (const rules of [
      '*',
      'example.com',
      '.example.com',
      '*.example.com',
      'a, S3.Example.com',
      'example.com:9000',
    ])
      expect(without(rules), rules).toBeNull()
    for (const rules of ['', 'ample.com', 'other.com', 'example.com:443', '.'])
      expect(without(rules), rules).not.toBeNull()
  })
})
