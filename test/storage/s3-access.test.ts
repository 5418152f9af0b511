/** What a location leaves to the AWS chain: which setting wins, and what is said where there is none. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { resolveAccess } from '../../agent/storage/s3/access.ts'
import { resolveTarget } from '../../agent/storage/s3/target.ts'
import type { S3Location } from '../../shared/location.ts'
import { failure } from './contract.ts'

const location = (other: Partial<S3Location> = {}): S3Location => ({
  kind: 's3',
  bucket: 'photos',
  prefix: '',
  endpoint: null,
  region: null,
  profile: null,
  site: null,
  ...other,
})

let dir: string
/** The SDK reads each file once in a process, so each test has its own. */
async function configure(config: string, credentials = '') {
  await writeFile(join(dir, 'config'), config)
  await writeFile(join(dir, 'credentials'), credentials)
  vi.stubEnv('AWS_CONFIG_FILE', join(dir, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(dir, 'credentials'))
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dray-access-'))
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  await configure('')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(dir, { recursive: true })
})

const keyOf = async (other: Partial<S3Location> = {}) =>
  (await (await resolveAccess(location(other))).credentials()).accessKeyId

describe('credentials', () => {
  test('are those of the environment, of the default profile, or of the profile that is named', async () => {
    await configure(
      '[profile other]\nregion = eu-west-1\n',
      '[default]\naws_access_key_id = D\naws_secret_access_key = d\n[other]\naws_access_key_id = O\naws_secret_access_key = o\n',
    )
    expect(await keyOf()).toBe('D')
    expect(await keyOf({ profile: 'other' })).toBe('O')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'E')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'e')
    expect(await keyOf()).toBe('E')
    const warned = vi.spyOn(console, 'warn')
    expect(await keyOf({ profile: 'other' })).toBe('O')
    expect(warned).not.toHaveBeenCalled()
    warned.mockRestore()
  })

  test('that are nowhere are missed with the remedy', async () => {
    const error = await failure(keyOf())
    expect(error.code).toBe('bad-credentials')
    expect(error.message).toBe('No credentials were found for bucket "photos".')
    expect(error.hint).toMatch(/AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
    vi.stubEnv('AWS_PROFILE', 'nobody')
    expect((await failure(keyOf())).message).toMatch(/ in profile "nobody" \(AWS_PROFILE\)\.$/)
    vi.stubEnv('AWS_PROFILE', undefined)
    await rm(join(dir, 'config'))
    expect((await failure(keyOf())).code).toBe('bad-credentials')
  })

  test('of a profile that is not there, or holds none, are missed by its name', async () => {
    await configure('[profile empty]\nregion = eu-west-1\n')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'E')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'e')
    expect((await failure(keyOf({ profile: 'nobody' }))).message).toBe(
      'There is no profile "nobody" in the AWS configuration files.',
    )
    expect((await failure(keyOf({ profile: 'empty' }))).message).toBe(
      'No credentials were found for bucket "photos" in profile "empty".',
    )
  })

  test('of a helper program are used, and asked for anew when they have been refused', async () => {
    const count = join(dir, 'count')
    const script = `n=$(cat ${count} 2>/dev/null || echo 0); n=$((n+1)); echo $n > ${count}; echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"P$n\\",\\"SecretAccessKey\\":\\"s\\",\\"SessionToken\\":\\"t$n\\"}"`
    await writeFile(join(dir, 'helper.sh'), script)
    await configure(`[profile helped]\ncredential_process = sh ${join(dir, 'helper.sh')}\n`)
    const access = await resolveAccess(location({ profile: 'helped' }))
    expect((await access.credentials()).accessKeyId).toBe('P1')
    expect((await access.credentials()).accessKeyId).toBe('P1')
    expect((await access.credentials(true)).sessionToken).toBe('t2')
    expect((await access.credentials()).accessKeyId).toBe('P2')
  })
})

describe('the endpoint', () => {
  const endpointOf = async (other: Partial<S3Location> = {}) =>
    (await resolveAccess(location(other))).endpoint

  test("is the location's, else the named profile's, else the environment's, else the default profile's", async () => {
    await configure(
      [
        '[default]\nendpoint_url = http://default',
        '[profile own]\nendpoint_url = http://own',
        '[profile served]\nservices = mine\nendpoint_url = http://general',
        '[services mine]\ns3 =\n  endpoint_url = http://service\ndynamodb =\n  endpoint_url = http://no',
        '[profile plain]\nregion = eu-west-1',
      ].join('\n'),
    )
    expect(await endpointOf()).toBe('http://default')
    expect(await endpointOf({ profile: 'own' })).toBe('http://own')
    expect(await endpointOf({ profile: 'served' })).toBe('http://service')
    // What another profile says is not for this one.
    expect(await endpointOf({ profile: 'plain' })).toBeNull()
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://environment')
    expect(await endpointOf()).toBe('http://environment')
    expect(await endpointOf({ profile: 'own' })).toBe('http://own')
    expect(await endpointOf({ profile: 'plain' })).toBe('http://environment')
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://environment-s3')
    expect(await endpointOf()).toBe('http://environment-s3')
    expect(await endpointOf({ profile: 'own', endpoint: 'http://location' })).toBe('http://location')
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true')
    expect(await endpointOf()).toBeNull()
    expect(await endpointOf({ endpoint: 'http://location' })).toBe('http://location')
  })

  test('that is no address of a server is refused, without its password in the message', async () => {
    for (const endpoint of ['s3.example.com', 'ftp://x', 'http://me:hunter2@host', 'http://host/?x=1']) {
      const error = await failure(resolveAccess(location({ endpoint })))
      expect(error.code).toBe('config')
      expect(error.message).not.toContain('hunter2')
    }
  })
})

describe('the region', () => {
  const regionOf = async (other: Partial<S3Location> = {}) => (await resolveAccess(location(other))).region

  test("is the location's, else the named profile's, else the environment's, else the default profile's", async () => {
    await configure(
      '[default]\nregion = of-default\n[profile own]\nregion = of-own\n[profile plain]\noutput = text\n',
    )
    expect(await regionOf()).toBe('of-default')
    vi.stubEnv('AWS_DEFAULT_REGION', 'of-environment')
    expect(await regionOf()).toBe('of-environment')
    expect(await regionOf({ profile: 'own' })).toBe('of-own')
    expect(await regionOf({ profile: 'plain' })).toBe('of-environment')
    const given = await resolveAccess(location({ profile: 'own', region: 'given' }))
    expect([given.region, given.regionIsGiven]).toEqual(['given', true])
  })
})

test('the region is us-east-1 where nobody names one', async () => {
  expect((await resolveAccess(location())).region).toBe('us-east-1')
})

describe('a bucket', () => {
  const target = async (other: Partial<S3Location>) => {
    const access = await resolveAccess(location(other))
    const { origin, path, region } = await resolveTarget(access, location(other).bucket, access.region)
    return `${origin} ${path} ${region}`
  }

  test('is named by the host on AWS where that can be, and by the path elsewhere', async () => {
    expect(await target({})).toBe('https://photos.s3.us-east-1.amazonaws.com  us-east-1')
    expect(await target({ region: 'eu-west-1' })).toBe('https://photos.s3.eu-west-1.amazonaws.com  eu-west-1')
    expect(await target({ region: 'cn-north-1' })).toBe(
      'https://photos.s3.cn-north-1.amazonaws.com.cn  cn-north-1',
    )
    expect(await target({ bucket: 'with.dots' })).toBe(
      'https://s3.us-east-1.amazonaws.com /with.dots us-east-1',
    )
    expect(await target({ endpoint: 'http://127.0.0.1:9000' })).toBe(
      'http://127.0.0.1:9000 /photos us-east-1',
    )
    expect(await target({ endpoint: 'http://[::1]:9000/' })).toBe('http://[::1]:9000 /photos us-east-1')
    expect(await target({ endpoint: 'https://x.example/storage/v1/s3', region: 'auto' })).toBe(
      'https://x.example /storage/v1/s3/photos auto',
    )
    expect(
      await target({ bucket: 'arn:aws:s3:us-west-2:123456789012:accesspoint:mine', region: 'us-west-2' }),
    ).toBe('https://mine-123456789012.s3-accesspoint.us-west-2.amazonaws.com  us-west-2')
  })

  test('is named by the host where a profile wants it so', async () => {
    await configure('[profile oss]\nendpoint_url = https://oss.example\ns3 =\n  addressing_style = virtual\n')
    expect(await target({ profile: 'oss' })).toBe('https://photos.oss.example  us-east-1')
  })

  test('of a kind that cannot be spoken to yet is refused', async () => {
    for (const bucket of [
      'mine--use1-az4--x-s3',
      'arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap',
    ]) {
      expect((await failure(target({ bucket }))).code).toBe('config')
    }
    expect((await failure(target({ region: 'no such region' }))).code).toBe('config')
  })
})
