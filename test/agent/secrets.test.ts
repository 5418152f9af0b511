/** Secrets that are sealed to an agent, and a control plane that would like to have them. */
import { beforeAll, expect, it } from 'vitest'
import { openSecrets, type Secrets } from '../../agent/secrets.ts'
import type { Ask } from '../../shared/asks.ts'
import { DrayError, type ErrorCode } from '../../shared/error.ts'
import { type Certificate, certify } from '../../shared/identity/certificate.ts'
import { type KeyPair, makeKeys } from '../../shared/identity/keys.ts'
import type { S3Location } from '../../shared/location.ts'
import { open, seal } from '../../shared/seal.ts'

const endpoint = 'https://s3.example.com'
const keys = (n: number) => ({ accessKeyId: `AKID${n}`, secretAccessKey: `secret ${n}`.replace(' ', '-') })

let root: KeyPair
let otherRoot: KeyPair
let mine: KeyPair
let newcomer: { signing: KeyPair; sealing: KeyPair }

beforeAll(async () => {
  ;[root, otherRoot] = await Promise.all([makeKeys('Ed25519'), makeKeys('Ed25519')])
  mine = await makeKeys('X25519')
  newcomer = { signing: await makeKeys('Ed25519'), sealing: await makeKeys('X25519') }
})

interface Held {
  version: number
  envelope: string
}

/** An agent of site paris, in the workspace acme, with what the plane gives it for each connection. */
function agent(copies: Record<string, Held>, clock = { now: 0 }): Secrets & { fetched: string[] } {
  const fetched: string[] = []
  const secrets = openSecrets({
    of: { workspace: 'acme', site: 'paris', sealing: mine, rootKey: root.public },
    now: () => clock.now,
    async pause(ms) {
      await Promise.resolve()
      clock.now += ms
    },
    async fetchCopy(connection) {
      fetched.push(connection)
      return copies[connection] ?? Promise.reject(new DrayError('unreachable', 'fetch', 'no copy'))
    },
  })
  return { ...secrets, fetched }
}

const sealed = async (n: number, connection = 'photos', more = {}): Promise<Held> => ({
  version: n,
  envelope: await seal(JSON.stringify(keys(n)), mine.public, {
    workspace: 'acme',
    site: 'paris',
    connection,
    endpoint,
    ...more,
  }),
})

const at = (connection: string, more: Partial<S3Location> = {}): S3Location => ({
  kind: 's3',
  bucket: 'bucket',
  prefix: '',
  endpoint,
  region: null,
  profile: null,
  site: null,
  connection,
  sealed: true,
  ...more,
})

const certificate = (more: Partial<Certificate> = {}, by = root) =>
  certify(
    {
      workspace: 'acme',
      site: 'paris',
      agent: 'newcomer',
      signing: newcomer.signing.public,
      sealing: newcomer.sealing.public,
      issuedAt: 1,
      ...more,
    },
    by,
  )

const asked = async (more: Partial<Ask & { kind: 'reseal' }> = {}): Promise<Ask & { kind: 'reseal' }> => ({
  kind: 'reseal',
  connection: 'photos',
  endpoint,
  version: 1,
  agent: 'newcomer',
  certificate: await certificate(),
  ...more,
})

const codeOf = async (promise: Promise<unknown>): Promise<ErrorCode> =>
  promise.then(
    () => 'internal',
    (error) => error.code,
  )

it('opens its own copy, once for all that use it', async () => {
  const { keys: get, fetched } = agent({ photos: await sealed(1) })
  expect(await Promise.all([get(at('photos'), false), get(at('photos'), false)])).toEqual([keys(1), keys(1)])
  expect(fetched).toEqual(['photos'])
})

it('fetches again when the keys were refused, and no more often than it helps', async () => {
  const copies = { photos: await sealed(1) }
  const clock = { now: 0 }
  const { keys: get, fetched } = agent(copies, clock)
  await get(at('photos'), false)
  copies.photos = await sealed(2)
  expect(await get(at('photos'), false)).toEqual(keys(1))
  expect(await get(at('photos'), true)).toEqual(keys(2))
  copies.photos = await sealed(3)
  const refused = [get(at('photos'), true), get(at('photos'), true)]
  expect(fetched).toHaveLength(2)
  expect(await Promise.all(refused)).toEqual([keys(3), keys(3)])
  expect(clock.now).toBe(1_000)
  expect(fetched).toHaveLength(3)
})

it('fetches again for a location that is opened much later, and does without where the plane is away', async () => {
  const copies: Record<string, Held> = { photos: await sealed(1) }
  const clock = { now: 0 }
  const { keys: get, fetched } = agent(copies, clock)
  await get(at('photos'), false)
  copies.photos = await sealed(2)
  clock.now += 60_000
  expect(await get(at('photos'), false)).toEqual(keys(2))
  clock.now += 60_000
  delete copies.photos
  expect(await get(at('photos'), false)).toEqual(keys(2))
  expect(fetched).toHaveLength(3)
})

it('fetches again where there was no copy', async () => {
  const copies: Record<string, Held> = {}
  const { keys: get } = agent(copies)
  await expect(get(at('photos'), false)).rejects.toThrow('no copy')
  copies.photos = await sealed(1)
  expect(await get(at('photos'), false)).toEqual(keys(1))
})

it('does not open what is of another place, or no access key, and tells nothing of it', async () => {
  const wrong: Record<string, Held> = {
    moved: await sealed(1, 'photos'),
    'another-site': await sealed(1, 'another-site', { site: 'rome' }),
    'another-workspace': await sealed(1, 'another-workspace', { workspace: 'evil' }),
    'another-endpoint': await sealed(1, 'another-endpoint', { endpoint: 'https://evil.example.com' }),
    'no-key': {
      version: 1,
      envelope: await seal('the secret itself', mine.public, {
        workspace: 'acme',
        site: 'paris',
        connection: 'no-key',
        endpoint,
      }),
    },
  }
  const { keys: get } = agent(wrong)
  for (const connection of Object.keys(wrong)) {
    const error = await get(at(connection), false).then(
      () => null,
      (thrown) => thrown,
    )
    expect(error?.code, connection).toBe('bad-credentials')
    expect(JSON.stringify([error.message, error.hint])).not.toMatch(/secret itself|secret-1|AKID/)
  }
})

it('seals a secret to an agent that its site certifies', async () => {
  const { reseal } = agent({ photos: await sealed(1) })
  const binding = { workspace: 'acme', site: 'paris', connection: 'photos', endpoint }
  const envelope = await reseal(await asked())
  expect(JSON.parse(await open(envelope, newcomer.sealing.private, binding))).toEqual(keys(1))
})

it('seals nothing to a key that its own site’s root does not certify', async () => {
  const { reseal, fetched } = agent({ photos: await sealed(1) })
  const evil = await makeKeys('X25519')
  const good = await certificate()
  const hostile: Record<string, Certificate> = {
    'of another root': await certificate({}, otherRoot),
    'of no root': { ...good, signature: 'A'.repeat(86) },
    'with another key put in': { ...good, sealing: evil.public },
    'of another site': await certificate({ site: 'rome' }),
    'of another workspace': await certificate({ workspace: 'evil' }),
    'of another site, said to be of this one': { ...(await certificate({ site: 'rome' })), site: 'paris' },
    'of another agent': await certificate({ agent: 'somebody' }),
    'with the signing key put in the place of the other': { ...good, sealing: good.signing },
  }
  for (const [what, offered] of Object.entries(hostile)) {
    expect(await codeOf(reseal(await asked({ certificate: offered }))), what).toBe('access-denied')
  }
  expect(fetched).toEqual([])
})

it('seals nothing at all where it was joined under no root', async () => {
  const { reseal } = openSecrets({
    of: { workspace: 'acme', site: 'paris', sealing: mine, rootKey: null },
    fetchCopy: () => sealed(1),
  })
  expect(await codeOf(reseal(await asked()))).toBe('access-denied')
})

it('seals no secret for another connection, endpoint or version than it is for', async () => {
  const { reseal } = agent({ photos: await sealed(1), other: await sealed(1, 'photos') })
  expect(await codeOf(reseal(await asked({ endpoint: 'https://evil.example.com' })))).toBe('bad-credentials')
  expect(await codeOf(reseal(await asked({ endpoint: null })))).toBe('bad-credentials')
  expect(await codeOf(reseal(await asked({ connection: 'other' })))).toBe('bad-credentials')
  expect(await codeOf(reseal(await asked({ version: 2 })))).toBe('stale')
})
