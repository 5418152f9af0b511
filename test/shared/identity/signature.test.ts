import { beforeAll, describe, expect, it } from 'vitest'
import { fingerprint, type KeyPair, makeKeys } from '../../../shared/identity/keys.ts'
import { isProof, parseProof, type Signable, signRequest } from '../../../shared/identity/signature.ts'

const name = { workspace: 'acme', agent: 'berlin-1' }
const asked = (over: Partial<Signable> = {}): Signable => ({
  method: 'GET',
  url: new URL('https://dray.example.com/agent/fleet?x=1'),
  digest: '',
  ...over,
})

let keys: KeyPair
let others: KeyPair
beforeAll(async () => {
  keys = await makeKeys('Ed25519')
  others = await makeKeys('Ed25519')
})

const proofOf = async (request = asked()) => parseProof(await signRequest(request, name, keys, 1_000))!

describe('a signed request', () => {
  it('is proof of just that request', async () => {
    const proof = await proofOf()
    expect(proof).toMatchObject({ ...name, time: 1_000 })
    expect(await isProof(asked(), proof, keys.public)).toBe(true)
  })

  it.each([
    ['another method', { method: 'PUT' }],
    ['another host', { url: new URL('https://evil.example.com/agent/fleet?x=1') }],
    ['another port', { url: new URL('https://dray.example.com:8443/agent/fleet?x=1') }],
    ['another path', { url: new URL('https://dray.example.com/agent/migrations/m?x=1') }],
    ['another query', { url: new URL('https://dray.example.com/agent/fleet?x=2') }],
    ['another body', { digest: 'ab'.repeat(32) }],
  ])('is no proof of %s', async (_, over) => {
    expect(await isProof(asked(over), await proofOf(), keys.public)).toBe(false)
  })

  it('is no proof at another time, with another nonce, or of another key', async () => {
    const proof = await proofOf()
    expect(await isProof(asked(), { ...proof, time: 1_001 }, keys.public)).toBe(false)
    expect(await isProof(asked(), { ...proof, nonce: 'A'.repeat(22) }, keys.public)).toBe(false)
    expect(await isProof(asked(), proof, others.public)).toBe(false)
    expect(await isProof(asked(), proof, 'A'.repeat(43))).toBe(false)
  })

  it('is never signed twice in the same words', async () => {
    expect((await proofOf()).nonce).not.toBe((await proofOf()).nonce)
  })

  it.each([
    '',
    'Bearer x',
    'Dray-Agent agent=berlin-1,time=1,nonce=AAAAAAAAAAAAAAAAAAAAAA,signature=x',
    'Dray-Agent agent=a/b\n,time=1,nonce=AAAAAAAAAAAAAAAAAAAAAA,signature=' + 'A'.repeat(86),
    'Dray-Agent agent=a/b,time=1,nonce=short,signature=' + 'A'.repeat(86),
    'Dray-Agent agent=a/b,time=1e9,nonce=AAAAAAAAAAAAAAAAAAAAAA,signature=' + 'A'.repeat(86),
  ])('has one form: %j is none', (text) => expect(parseProof(text)).toBeNull())
})

describe('a fingerprint', () => {
  it('is the same for the same key, in groups that can be read aloud', async () => {
    const print = await fingerprint(keys.public)
    expect(print).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/)
    expect(await fingerprint(keys.public)).toBe(print)
    expect(await fingerprint(others.public)).not.toBe(print)
  })
})
