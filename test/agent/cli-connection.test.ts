/** Whom the command line believes, and where it takes keys from. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Io } from '../../agent/cli/io.ts'
import { knownSites } from '../../agent/cli/known-sites.ts'
import { readKeys } from '../../agent/cli/read-keys.ts'
import type { DrayError } from '../../shared/error.ts'
import { fingerprint, makeKeys } from '../../shared/identity/keys.ts'

const dir = mkdtempSync(join(tmpdir(), 'dray-cli-connection-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const refusalOf = async (promise: Promise<unknown>): Promise<DrayError> =>
  promise.then(
    () => {
      throw new Error('it was not refused')
    },
    (error) => error,
  )

describe('the root key of a site', () => {
  const site = { plane: 'https://dray.example.com', workspace: 'acme', site: 'paris' }
  let config: string
  let root: string
  let other: string
  beforeEach(async () => {
    config = mkdtempSync(join(dir, 'config-'))
    ;[root, other] = [(await makeKeys('Ed25519')).public, (await makeKeys('Ed25519')).public]
  })

  it('is remembered when it is first seen, in a file of its owner’s', async () => {
    const sites = knownSites(join(config, 'dray'))
    expect(await sites.check(site, root, [])).toEqual({ first: true, fingerprint: await fingerprint(root) })
    expect(await sites.check(site, root, [])).toMatchObject({ first: false })
    const file = join(config, 'dray', 'known-sites.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ 'https://dray.example.com acme/paris': root })
  })

  it('is refused loudly when it is another one, and nothing is changed', async () => {
    const sites = knownSites(config)
    await sites.check(site, root, [])
    const error = await refusalOf(sites.check(site, other, []))
    expect(error.message).toContain('THE ROOT KEY OF SITE paris HAS CHANGED')
    expect(error.message).toContain(await fingerprint(root))
    expect(error.hint).toContain(`--root ${await fingerprint(other)}`)
    expect(await sites.check(site, root, [])).toMatchObject({ first: false })
  })

  it('is taken in place of the one before by whoever names its fingerprint', async () => {
    const sites = knownSites(config)
    await sites.check(site, root, [])
    const wrong = await refusalOf(sites.check(site, other, ['0000-0000']))
    expect(wrong.code).toBe('bad-credentials')
    await sites.check(site, other, [(await fingerprint(other)).toUpperCase()])
    expect(await sites.check(site, other, [])).toMatchObject({ first: false })
    await refusalOf(sites.check(site, root, []))
  })

  it('is held to the fingerprints that are given at first sight, too', async () => {
    const error = await refusalOf(knownSites(config).check(site, root, [await fingerprint(other)]))
    expect(error.message).toContain('which --root does not name')
    expect(await knownSites(config).check(site, root, [])).toMatchObject({ first: true })
  })

  it('is not believed of a site that comes up later, until its fingerprint is given', async () => {
    await knownSites(config).check(site, root, [])
    const rome = { ...site, site: 'rome' }
    const error = await refusalOf(knownSites(config).check(rome, other, []))
    expect(error.message).toContain('the site rome is a new one')
    expect(error.hint).toContain(await fingerprint(other))
    const mark = [await fingerprint(other)]
    expect(await knownSites(config).check(rome, other, mark)).toMatchObject({ first: true })
    expect(await knownSites(config).check(rome, other, [])).toMatchObject({ first: false })
  })

  it('is of one control plane, workspace and site', async () => {
    const sites = knownSites(config)
    await sites.check(site, root, [])
    for (const more of [{ plane: 'https://other.example.com' }, { workspace: 'b' }, { site: 'rome' }]) {
      expect(await sites.check({ ...site, ...more }, other, [])).toMatchObject({ first: true })
    }
  })

  it('is not forgotten where the file is damaged: that is an error', async () => {
    writeFileSync(join(config, 'known-sites.json'), '{"x": 1}')
    expect((await refusalOf(knownSites(config).check(site, root, []))).code).toBe('config')
  })
})

describe('an access key', () => {
  const io = { cwd: dir, signal: new AbortController().signal } as Io
  const file = join(dir, 'keys.json')
  const keys = { accessKeyId: 'AKID', secretAccessKey: 'the/secret' }
  const inFile = (content: unknown, mode = 0o600) => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    chmodSync(file, mode)
    return readKeys({ fromFile: 'keys.json' }, io)
  }

  it.each([
    [keys],
    [{ AccessKeyId: 'AKID', SecretAccessKey: 'the/secret' }],
    // As `aws iam create-access-key` and `aws sts …` print it.
    [{ AccessKey: { UserName: 'u', AccessKeyId: 'AKID', SecretAccessKey: 'the/secret', Status: 'Active' } }],
  ])('comes from a file: %j', async (content) => {
    expect(await inFile(content)).toEqual(keys)
  })

  it('comes with its session token', async () => {
    const given = {
      AccessKeyId: 'AKID',
      SecretAccessKey: 'the/secret',
      SessionToken: 'token',
      Expiration: '',
    }
    expect(await inFile({ Credentials: given })).toEqual({ ...keys, sessionToken: 'token' })
  })

  it('is not taken from a file that others may read, and what a file holds is not told', async () => {
    expect((await refusalOf(inFile(keys, 0o644))).hint).toContain('chmod 600')
    for (const content of [
      'the/secret',
      { secretAccessKey: 'the/secret' },
      { ...keys, accessKeyId: 'a b' },
    ]) {
      const { message, hint } = await refusalOf(inFile(content))
      expect(`${message} ${hint}`).not.toContain('the/secret')
    }
    expect((await refusalOf(readKeys({ fromFile: 'missing' }, io))).message).toContain('ENOENT')
  })

  it('comes from a profile that has one', async () => {
    const credentials = join(dir, 'credentials')
    writeFileSync(
      credentials,
      '[one]\naws_access_key_id = AKID\naws_secret_access_key = the/secret\n[role]\nrole_arn = arn\n',
    )
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', credentials)
    vi.stubEnv('AWS_CONFIG_FILE', join(dir, 'none'))
    expect(await readKeys({ fromProfile: 'one' }, io)).toEqual(keys)
    expect((await refusalOf(readKeys({ fromProfile: 'role' }, io))).message).toContain('holds no access key')
    expect((await refusalOf(readKeys({ fromProfile: 'two' }, io))).message).toContain('no profile two')
    vi.unstubAllEnvs()
  })

  it('comes from one place', async () => {
    const both = readKeys({ fromProfile: 'one', fromFile: 'keys.json' }, io)
    expect((await refusalOf(both)).message).toContain('both given')
  })
})
