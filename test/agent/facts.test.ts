import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { allowAll, parseEntry } from '../../agent/allow/allow-list.ts'
import { openFacts } from '../../agent/facts.ts'
import { probe } from '../../agent/reach.ts'
import { factsSchema } from '../../shared/protocol.ts'
import { bucket } from './world.ts'

let server: Server
let there: string
let gone: string
beforeAll(async () => {
  const servers = [createServer(), createServer()]
  for (const each of servers) each.listen(0, '127.0.0.1')
  await Promise.all(servers.map((each) => once(each, 'listening')))
  const [a, b] = servers.map((each) => `http://127.0.0.1:${(each.address() as AddressInfo).port}`)
  server = servers[0]!
  there = a!
  gone = b!
  servers[1]!.close()
})
afterAll(() => void server.close())

it('an endpoint answers, or says why not', async () => {
  expect(await probe(there, {})).toMatchObject({ endpoint: there, ms: expect.any(Number), error: null })
  expect(await probe(gone, {})).toEqual({ endpoint: gone, ms: null, error: 'ECONNREFUSED' })
  // A server that speaks no TLS.
  expect(await probe(there.replace('http:', 'https:'), {})).toMatchObject({
    ms: null,
    error: expect.stringMatching(/^./),
  })
})

it('an endpoint behind a proxy is reached where the proxy is', async () => {
  const env = { HTTPS_PROXY: there }
  expect(await probe('https://s3.example.com', env)).toMatchObject({
    endpoint: 'https://s3.example.com',
    error: null,
  })
})

const options = (entries: string[], changed: () => void) => ({
  version: '1',
  stateDir: '/',
  allow: { file: '/allow', entries: entries.map(parseEntry) },
  env: {},
  clockMs: () => 0,
  changed,
})

it('an agent tells which endpoints of its allow-list it reaches, and those that it is sent to', async () => {
  let told = Promise.withResolvers<void>()
  const facts = openFacts(options([`s3://b at ${there}`, `${gone}/*`, '/srv'], () => told.resolve()))
  await told.promise
  expect(factsSchema.parse(facts.now())).toMatchObject({
    version: '1',
    cores: expect.any(Number),
    health: { stateFree: expect.any(Number) },
    reach: [
      { endpoint: there, error: null },
      { endpoint: gone, ms: null },
    ],
  })
  told = Promise.withResolvers()
  facts.note({ ...bucket('b'), endpoint: 'http://localhost:1/' })
  await told.promise
  expect(facts.now().reach.map(({ endpoint }) => endpoint)).toEqual([there, gone, 'http://localhost:1'])
  facts.close()
})

it('the agent of an embedded control plane looks for nothing', () => {
  const facts = openFacts({ ...options([], () => {}), allow: allowAll })
  facts.note({ ...bucket('b'), endpoint: there })
  expect(facts.now().reach).toEqual([])
  facts.close()
})
