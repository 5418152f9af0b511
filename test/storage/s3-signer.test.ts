/** Our signatures against those of AWS's documents and of the AWS SDK. */
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openSigner } from '../../agent/storage/s3/signer.ts'
import { escapeKey, keyFromText } from '../../shared/key.ts'

fc.configureGlobal({ seed: 1 })

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const documented = {
  credentials,
  region: 'us-east-1',
  service: 's3',
  now: Date.parse('2013-05-24T00:00:00Z'),
}
const host = 'examplebucket.s3.amazonaws.com'
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The SDK's hash, as it wants one. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data: string | Uint8Array) {
    this.#hash.update(data)
  }
  digest() {
    return Promise.resolve(new Uint8Array(this.#hash.digest()))
  }
  reset() {}
}

describe('S3 signatures', () => {
  test('are those of the documents', () => {
    const sign = openSigner()
    const signature = (
      method: string,
      path: string,
      query: string,
      headers: Record<string, string>,
      hash = emptyHash,
    ) =>
      sign(
        { method, path, query, host, headers: { ...headers, 'x-amz-content-sha256': hash } },
        documented,
      ).authorization?.replace(/.*Signature=/, '')
    expect(signature('GET', '/test.txt', '', { range: 'bytes=0-9' })).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    )
    expect(
      signature(
        'PUT',
        '/test%24file.text',
        '',
        { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
        '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      ),
    ).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
    expect(signature('GET', '/', 'lifecycle=', {})).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    )
    expect(signature('GET', '/', 'max-keys=2&prefix=J', {})).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    )
  })

  test('are those of the SDK, for any key, query, metadata, day, region and token', async () => {
    const sign = openSigner()
    const word = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,12}$/)
    const value = fc.stringMatching(/^[!-~]( {0,3}[!-~]){0,10}$/)
    const samples = fc.record({
      key: fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).filter((t) => t.isWellFormed()),
      query: fc.dictionary(word, value, { maxKeys: 3 }),
      metadata: fc.dictionary(word, value, { maxKeys: 4 }),
      method: fc.constantFrom('GET', 'PUT', 'HEAD', 'DELETE', 'POST'),
      region: fc.constantFrom('us-east-1', 'auto', 'eu-central-1'),
      seconds: fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }),
      sessionToken: fc.option(value, { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(samples, async ({ key, query, metadata, method, region, seconds, sessionToken }) => {
        const path = `/bucket/${escapeKey(keyFromText(key))}`
        const signed = { ...credentials, ...(sessionToken !== undefined && { sessionToken }) }
        const headers: Record<string, string> = { 'content-type': 'text/plain' }
        for (const [name, v] of Object.entries(metadata)) headers[`x-amz-meta-${name}`] = v
        const canonical = Object.entries(query)
          .map(([name, v]) => `${name}=${escapeKey(keyFromText(v)).replaceAll('/', '%2F')}`)
          .sort()
          .join('&')
        const ours = sign(
          { method, path, query: canonical, host: 'h:9000', headers },
          { credentials: signed, region, service: 's3', now: seconds * 1000 },
        )
        const sdk = new SignatureV4({
          service: 's3',
          region,
          credentials: signed,
          sha256: Sha256 as never,
          uriEscapePath: false,
        })
        const theirs = await sdk.sign(
          {
            method,
            protocol: 'http:',
            hostname: 'h',
            port: 9000,
            path,
            query,
            headers: { ...headers, host: 'h:9000', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
          },
          { signingDate: new Date(seconds * 1000) },
        )
        expect(ours.authorization).toBe(theirs.headers.authorization)
        expect(ours['x-amz-date']).toBe(theirs.headers['x-amz-date'])
        expect(ours['x-amz-security-token']).toBe(theirs.headers['x-amz-security-token'])
      }),
    )
  })

  test('hash header values as the bytes that are sent', () => {
    const sign = openSigner()
    const value = 'gr\xc3\xbc\xc3\x9fe \xc3\xa0'
    const fields = { method: 'PUT', path: '/k', query: '', host, headers: { 'x-amz-meta-a': value } }
    const { authorization } = sign(fields, documented)
    const canonical = `PUT\n/k\n\nhost:${host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:20130524T000000Z\nx-amz-meta-a:${value}\n\nhost;x-amz-content-sha256;x-amz-date;x-amz-meta-a\nUNSIGNED-PAYLOAD`
    const hmac = (key: Buffer | string, data: string) => createHmac('sha256', key).update(data).digest()
    const scope = '20130524/us-east-1/s3/aws4_request'
    const key = scope.split('/').reduce<Buffer | string>(hmac, `AWS4${credentials.secretAccessKey}`)
    const digest = createHash('sha256').update(Buffer.from(canonical, 'latin1')).digest('hex')
    const expected = hmac(key, `AWS4-HMAC-SHA256\n20130524T000000Z\n${scope}\n${digest}`).toString('hex')
    expect(authorization).toContain(`Signature=${expected}`)
  })

  test('are made with a new key on another day and for another secret', () => {
    const sign = openSigner()
    const fields = { method: 'GET', path: '/', query: '', host, headers: {} }
    const signatures = new Set(
      [
        documented,
        { ...documented, now: documented.now + 86_400_000 },
        { ...documented, credentials: { ...credentials, secretAccessKey: 'another' } },
        documented,
      ].map((scope) => sign(fields, scope).authorization),
    )
    expect(signatures.size).toBe(3)
  })
})
