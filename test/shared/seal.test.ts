/** What is sealed opens with one key at one place, and nowhere else. */
import { webcrypto } from 'node:crypto'
import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { expect, it } from 'vitest'
import { type Binding, envelopeSchema } from '../../shared/envelope.ts'
import { longestSecret, open, SealError, seal } from '../../shared/seal.ts'

const binding: Binding = {
  workspace: 'acme',
  site: 'paris',
  connection: 'photos',
  endpoint: 'https://s3.example.com',
}

async function keyPair(): Promise<{ publicKey: string; privateKey: string }> {
  const pair = (await webcrypto.subtle.generateKey('X25519', true, ['deriveBits'])) as webcrypto.CryptoKeyPair
  const { x, d } = await webcrypto.subtle.exportKey('jwk', pair.privateKey)
  return { publicKey: x!, privateKey: d! }
}

it('opens what was sealed to its key, whatever characters it has', async () => {
  const { publicKey, privateKey } = await keyPair()
  for (const secret of ['', 'a', '{"é":"🔑"}', 'x'.repeat(longestSecret)]) {
    const envelope = await seal(secret, publicKey, binding)
    expect(envelopeSchema.parse(envelope)).toBe(envelope)
    expect(await open(envelope, privateKey, binding)).toBe(secret)
  }
})

it('seals the same secret differently each time', async () => {
  const { publicKey } = await keyPair()
  expect(await seal('secret', publicKey, binding)).not.toBe(await seal('secret', publicKey, binding))
})

it.each([
  { workspace: 'other' },
  { site: 'rome' },
  { connection: 'other' },
  { endpoint: 'https://s3.example.com/' },
  { endpoint: 'https://s3.example.net' },
  { endpoint: null },
  // What one name loses, the next must not gain.
  { workspace: 'acmep', site: 'aris' },
  { workspace: 'acme","paris', site: '' },
])('does not open for another place: %o', async (other) => {
  const { publicKey, privateKey } = await keyPair()
  const envelope = await seal('secret', publicKey, binding)
  await expect(open(envelope, privateKey, { ...binding, ...other })).rejects.toThrow(SealError)
})

it('does not open with another key', async () => {
  const [one, other] = [await keyPair(), await keyPair()]
  const envelope = await seal('secret', one.publicKey, binding)
  await expect(open(envelope, other.privateKey, binding)).rejects.toThrow(SealError)
})

it('does not open when one character of it was changed', async () => {
  const { publicKey, privateKey } = await keyPair()
  const envelope = await seal('secret', publicKey, binding)
  for (let at = 0; at < envelope.length; at++) {
    // The last character of 43 or of an odd length also holds bits that mean nothing.
    const changed = envelope.slice(0, at) + (envelope[at] === 'Q' ? 'g' : 'Q') + envelope.slice(at + 1)
    if (bytesOf(changed) === bytesOf(envelope)) continue
    await expect(open(changed, privateKey, binding), changed).rejects.toThrow(SealError)
  }
})

const bytesOf = (envelope: string) =>
  envelope
    .split('.')
    .map((part, i) => (i === 0 ? part : Buffer.from(part, 'base64url').toString('hex')))
    .join()

it.each([
  '',
  'secret',
  'dray-seal-2.AAAA.AAAA',
  `dray-seal-1.${'A'.repeat(42)}.${'A'.repeat(30)}`,
  `dray-seal-1.${'A'.repeat(43)}.${'A'.repeat(20_000)}`,
  // A point of small order, from which everybody would know the key.
  `dray-seal-1.${'A'.repeat(43)}.${'A'.repeat(30)}`,
])('refuses what is no envelope: %s', async (envelope) => {
  const { privateKey } = await keyPair()
  await expect(open(envelope, privateKey, binding)).rejects.toThrow(SealError)
})

it('refuses a recipient that is no key, and a secret that is too long', async () => {
  const { publicKey } = await keyPair()
  await expect(seal('secret', 'short', binding)).rejects.toThrow(SealError)
  await expect(seal('x'.repeat(longestSecret + 1), publicKey, binding)).rejects.toThrow(SealError)
})

it('still opens what an earlier version of this file sealed', async () => {
  const envelope =
    'dray-seal-1.D4JWeWhI6Gz43bz7ezaTtY63Xdog5FPdEcCTUR4LsmU.Ev2APh2I52QtgcPYOYfPPOwvAyWErjRHkKOxtbC6T7A'
  const privateKey = 'iEw_sL9ideus7m1FZRP_Srqy50l4ka9uTtPK9PMAa2Q'
  expect(await open(envelope, privateKey, binding)).toBe('a secret of 2026')
})

/** RFC 9180, A.1.1: the same key agreement, with AES-128. */
it('has a library that computes what the RFC does', async () => {
  const hex = (text: string) => Buffer.from(text, 'hex')
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes128Gcm(),
  })
  const secretKey = hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8')
  const recipient = await suite.createRecipientContext({
    recipientKey: await suite.kem.importKey('raw', Uint8Array.from(secretKey).buffer, false),
    enc: hex('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431'),
    info: hex('4f6465206f6e2061204772656369616e2055726e'),
  })
  const text = await recipient.open(
    hex('f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a'),
    hex('436f756e742d30'),
  )
  expect(Buffer.from(text).toString()).toBe('Beauty is truth, truth beauty')
})
