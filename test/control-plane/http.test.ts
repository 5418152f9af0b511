/** What reaches the control plane from a real socket and is no good request: it says so, and goes on serving. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemSchema } from '../../shared/api/migrations.ts'
import { type Plane, startPlane } from '../support/plane.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends these bytes, and reads until the other side closes. */
function raw(...parts: (string | Uint8Array)[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(plane.url.port), plane.url.hostname)
    const chunks: Uint8Array[] = []
    socket.on('error', (error) => (chunks.length > 0 ? undefined : reject(error)))
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString()
      const [head = '', ...rest] = text.split('\r\n\r\n')
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body: rest.join('\r\n\r\n') })
    })
    for (const part of parts) socket.write(part)
  })
}

const request = (line: string, headers: Record<string, string> = {}, body = '') => {
  const all = {
    ...{ host: plane.url.host, authorization: `Bearer ${plane.token}`, connection: 'close' },
    ...headers,
  }
  return raw(
    `${line} HTTP/1.1\r\n${Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n${body}`,
  )
}

const put = (headers: Record<string, string>, body: string) =>
  request('POST /api/workspaces/local/sites', headers, body)

async function lives(): Promise<void> {
  expect((await plane.api('GET', '/api/health')).status).toBe(200)
}

describe('a body', () => {
  it.each([
    ['a length that is no number', { 'content-length': 'many' }],
    ['a negative length', { 'content-length': '-1' }],
    ['two lengths', { 'content-length': '2, 17' }],
    ['a length and chunks', { 'content-length': '2', 'transfer-encoding': 'chunked' }],
    ['an encoding of the transfer that nobody knows', { 'transfer-encoding': 'gzip' }],
  ])('with %s is refused', async (_, headers) => {
    const { status } = await put(headers, '{}')
    // Some of it is refused before it is a request; nothing of it is done.
    expect([400, 501, Number.NaN]).toContain(status)
    await lives()
  })

  it('that is shorter than it says changes nothing', async () => {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(plane.url.port), plane.url.hostname)
      socket.on('error', reject)
      const head = `host: x\r\nauthorization: Bearer ${plane.token}\r\ncontent-length: 1000\r\n\r\n`
      socket.write(`POST /api/workspaces/local/sites HTTP/1.1\r\n${head}{"id":"short"}`, () => {
        socket.destroy()
        resolve()
      })
    })
    expect((await plane.api('GET', '/api/workspaces/local/sites/short')).status).toBe(404)
  })

  it('that is longer than it says is cut where it says', async () => {
    const { status } = await put({ 'content-length': '13' }, '{"id":"long"}GET /api/health HTTP/1.1\r\n\r\n')
    expect(status).toBe(201)
    await lives()
  })

  it.each(['/api/workspaces/local/sites', '/api/auth/sign-in/email'])(
    'in chunks without an end is refused by %s once it is too much',
    async (path) => {
      const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
      const answer = await request(
        `POST ${path}`,
        { 'transfer-encoding': 'chunked', 'content-type': 'application/json', origin: plane.url.origin },
        chunk.repeat(8),
      )
      expect(answer.status).toBe(413)
      await lives()
    },
  )
})

describe('a path', () => {
  it.each([
    '/api/workspaces/local/migrations/..%2f..%2fhealth',
    '/api/workspaces/local/migrations/%2e%2e',
    '/api/workspaces/local%2Fmigrations',
    '/api/workspaces/local/migrations/%00',
    '/api/workspaces/local/migrations/%ff%fe',
    '/api/workspaces/local/migrations/%',
    '/api/workspaces/local/migrations/%zz',
    '/api/workspaces/%6c%6f%63%61%6c/migrations/none',
    '/api/workspaces/LOCAL/migrations',
    '/api/workspaces/local/agents/x%0d%0aset-cookie:a=b',
    '/api//workspaces/local/migrations',
    '/api/workspaces/local/migrations/',
    '/api/auth/enter',
    '/api/auth/api-key/create',
    '/api/auth/list-sessions',
    '/api/auth/error',
    '/agent',
    `/api/workspaces/local/migrations/${'a'.repeat(7_000)}`,
  ])('%.60s leads nowhere', async (path) => {
    const answer = await request(`GET ${path}`)
    expect([404, 405]).toContain(answer.status)
    expect(answer.head).toMatch(/content-type: application\/problem\+json/i)
    expect(answer.head).not.toMatch(/set-cookie/i)
    expect(problemSchema.parse(JSON.parse(answer.body)).status).toBe(answer.status)
  })

  it('with a query of many kilobytes is read, or refused', async () => {
    const answer = await request(`GET /api/workspaces/local/migrations?limit=1&x=${'a'.repeat(60_000)}`)
    expect([200, 400, 414, 431]).toContain(answer.status)
    await lives()
  })
})

describe('a method', () => {
  it('that a path does not have is a problem', async () => {
    const { json } = await plane.api<{ paths: Record<string, object> }>('GET', '/api/openapi.json')
    const paths = Object.entries(json.paths).map(([path, methods]) => ({
      methods: Object.keys(methods).map((method) => method.toUpperCase()),
      pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
      filled: path.replace('{workspace}', 'local').replace(/\{\w+\}/g, '1'),
    }))
    const said: string[] = []
    for (const { filled } of paths) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
        if (paths.some(({ methods, pattern }) => methods.includes(method) && pattern.test(filled))) continue
        const answer = await request(`${method} ${filled}`, { 'content-length': '0' })
        if (answer.status === 404 && JSON.parse(answer.body).code === 'not-found') continue
        said.push(`${method} ${filled}: ${answer.status}`)
      }
    }
    expect(paths.length).toBeGreaterThan(40)
    expect(said).toEqual([])
  })

  it('HEAD is GET without the body', async () => {
    const answer = await request('HEAD /api/workspaces/local/migrations')
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect((await request('HEAD /api/workspaces/local/migrations', { authorization: '' })).status).toBe(401)
  })
})

it('says what to do about what is not there, and about a token that is no good', async () => {
  const at = '/api/workspaces/local'
  const paths = ['migrations/none', 'schedules/none', 'webhooks/none', 'sites/none', 'connections/none']
  for (const path of paths) {
    const { status, body } = await request(`GET ${at}/${path}`)
    expect({ path, status, hint: JSON.parse(body).hint }).toEqual({
      path,
      status: 404,
      hint: expect.stringContaining('dray '),
    })
  }
  const { body } = await request('GET /api/me', { authorization: 'Bearer nobody' })
  expect(JSON.parse(body).hint).toContain('dray token create')
})

it('takes nobody’s word for who they are', async () => {
  const headers = {
    authorization: '',
    'dray-visitor': JSON.stringify({ agent: 'a', site: 'x', address: null, nonce: 'n' }),
    'x-forwarded-for': '127.0.0.1',
    'x-real-ip': '127.0.0.1',
    cookie: 'dray.session_token=a.b; dray.session_data=eyJzZXNzaW9uIjp7fX0',
  }
  expect((await request('GET /api/me', headers)).status).toBe(401)
  expect((await request('GET /agent/fleet', headers)).status).toBe(401)
})
