import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  identityFile,
  keepIdentity,
  localIdentity,
  readIdentity,
} from '../../agent/identity/identity-file.ts'
import { makeOwn } from '../../agent/identity/own-file.ts'
import { createSigner } from '../../agent/identity/signer.ts'
import { ensureRoot, readRoot, rootFile } from '../../agent/identity/site-root.ts'
import { isCertified } from '../../shared/identity/certificate.ts'
import { maxSkewMs, parseProof } from '../../shared/identity/signature.ts'
import { identityOf } from '../support/identities.ts'

let root: string
const fresh = () => mkdtempSync(join(root, 'state-'))
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'dray-identity-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const mode = (file: string) => statSync(file).mode & 0o777

describe('an identity', () => {
  it('is kept for its owner alone, whatever the umask is, and made once', async () => {
    const dir = fresh()
    expect(readIdentity(dir)).toBeNull()
    const before = process.umask(0)
    const identity = keepIdentity(dir, await identityOf('a'))
    process.umask(before)
    expect(mode(identityFile(dir))).toBe(0o600)
    expect(readIdentity(dir)).toEqual(identity)
    const other = await identityOf('b')
    expect(() => keepIdentity(dir, other)).toThrow('is there already')
    expect(readIdentity(dir)).toEqual(identity)
    expect(readdirSync(dir)).toEqual(['identity.json'])
  })

  it.each([0o644, 0o640, 0o606, 0o660])(
    'is refused, with the remedy, where its mode is %o',
    async (loose) => {
      const dir = fresh()
      keepIdentity(dir, await identityOf('a'))
      chmodSync(identityFile(dir), loose)
      expect(() => readIdentity(dir)).toThrow(
        expect.objectContaining({ code: 'config', hint: expect.stringContaining('chmod 600') }),
      )
    },
  )

  it('is refused where it is damaged', () => {
    const dir = fresh()
    writeFileSync(identityFile(dir), '{"agent":', { mode: 0o600 })
    expect(() => readIdentity(dir)).toThrow('is damaged')
  })
})

describe('the agent of an embedded control plane', () => {
  it('has one identity, certified by the root of its site, and apart from one that has joined', async () => {
    const dir = fresh()
    const joined = keepIdentity(dir, await identityOf('joined'))
    const local = await localIdentity(dir)
    expect(await localIdentity(dir)).toEqual(local)
    expect(readIdentity(dir)).toEqual(joined)
    expect(local).toMatchObject({ url: null, workspace: 'local', site: 'local' })
    const keys = { signing: local.signing.public, sealing: local.sealing.public }
    expect(await isCertified({ ...local, ...keys }, local.certificate, local.rootKey)).toBe(true)
    expect(mode(rootFile(join(dir, 'control-plane')))).toBe(0o600)
  })

  it('keeps the name that an earlier version gave it', async () => {
    const dir = fresh()
    mkdirSync(join(dir, 'agent'))
    writeFileSync(join(dir, 'agent', 'identity.json'), '{"id":"agent-0123456789ab"}')
    expect((await localIdentity(dir)).agent).toBe('agent-0123456789ab')
  })
})

describe('the root key of a site', () => {
  it('is made once, and is of one site', async () => {
    const dir = fresh()
    const names = { workspace: 'acme', site: 'paris' }
    const [a, b] = await Promise.all([ensureRoot(dir, names), ensureRoot(dir, names)])
    expect(a).toEqual(b)
    expect(readRoot(rootFile(dir))).toEqual(a)
    await expect(ensureRoot(dir, { ...names, site: 'rome' })).rejects.toThrow('is of the site paris')
    expect(() => readRoot(join(dir, 'none.json'))).toThrow('there is no')
  })

  it('takes the place of no other file', () => {
    const file = join(fresh(), 'f')
    expect([makeOwn(file, 1), makeOwn(file, 2)]).toEqual([true, false])
    expect(existsSync(`${file}.${process.pid}.tmp`)).toBe(false)
  })
})

describe('a signer', () => {
  it('goes by the control plane’s clock once it was told that its own is off', async () => {
    let now = 1_000_000
    const identity = await identityOf('a')
    const signer = createSigner(identity, () => now)
    const time = async () =>
      parseProof((await signer.headers('GET', new URL('http://x/'))).authorization!)!.time
    expect(await time()).toBe(1_000_000)
    expect(signer.hear(undefined)).toBe(false)
    expect(signer.hear(String(now + 2 * maxSkewMs))).toBe(true)
    now += 5
    expect(await time()).toBe(1_000_005 + 2 * maxSkewMs)
    expect(signer.at(0)).toBe(2 * maxSkewMs)
    // The same again is no news: trying again at once would not help.
    expect(signer.hear(String(now + 2 * maxSkewMs))).toBe(false)
  })
})
