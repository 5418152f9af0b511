import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Certificate,
  type Certified,
  certify,
  isCertified,
} from '../../../shared/identity/certificate.ts'
import { type KeyPair, makeKeys } from '../../../shared/identity/keys.ts'

let root: KeyPair
let certified: Certified
let certificate: Certificate
beforeAll(async () => {
  root = await makeKeys('Ed25519')
  const [signing, sealing] = await Promise.all([makeKeys('Ed25519'), makeKeys('X25519')])
  certified = {
    workspace: 'acme',
    site: 'berlin',
    agent: 'berlin-1',
    signing: signing.public,
    sealing: sealing.public,
    issuedAt: 1_000,
  }
  certificate = await certify(certified, root)
})

describe('a site’s certificate', () => {
  it('holds for the agent and the keys that it names', async () => {
    expect(await isCertified(certified, certificate, root.public)).toBe(true)
  })

  it.each(['workspace', 'site', 'agent', 'signing', 'sealing'] as const)(
    'holds for no other %s',
    async (what) => {
      const other = {
        ...certified,
        [what]: what === 'signing' || what === 'sealing' ? 'B'.repeat(43) : 'other',
      }
      expect(await isCertified(other, certificate, root.public)).toBe(false)
      // Nor where the certificate itself was made to say so.
      expect(await isCertified(other, { ...certificate, [what]: other[what] }, root.public)).toBe(false)
    },
  )

  it('holds for no other root, no other date, and where there is none not at all', async () => {
    expect(await isCertified(certified, certificate, (await makeKeys('Ed25519')).public)).toBe(false)
    expect(await isCertified(certified, { ...certificate, issuedAt: 2_000 }, root.public)).toBe(false)
    expect(await isCertified(certified, certificate, null)).toBe(false)
    expect(await isCertified(certified, null, root.public)).toBe(false)
  })

  it('is made of no name that could run into the next one', async () => {
    await expect(certify({ ...certified, site: 'berlin\nberlin-1' }, root)).rejects.toThrow()
  })
})
