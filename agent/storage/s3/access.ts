/**
 * What a location leaves to the AWS chain: credentials, region and endpoint, from the environment, the shared
 * configuration files and the instance.
 *
 * Where the location names a profile, what that profile says comes before the environment, as it does for its
 * credentials: two sides with a profile each must not end at one endpoint because AWS_ENDPOINT_URL is set. Otherwise
 * the order is AWS's own.
 */
import { readFile } from 'node:fs/promises'
import { loadConfig, loadSharedConfigFiles } from '@smithy/core/config'
import { DrayError } from '../../../shared/error.ts'
import type { S3Location } from '../../../shared/location.ts'
import { awsSdk } from './aws-sdk.ts'
import type { Credentials } from './signer.ts'
import { nobody } from './terms.ts'

export interface Access {
  /** Null: AWS itself. */
  readonly endpoint: string | null
  readonly region: string
  /** Whether the location itself names the region; otherwise the bucket's own may be followed. */
  readonly regionIsGiven: boolean
  /** Whether the bucket is named by the path and not by the host. */
  readonly pathStyle: boolean
  /** Whether that is all there is to its address: none of AWS's rules (FIPS, dual stack) changes the endpoint. */
  readonly plain: boolean
  /** Certificates to trust instead of the usual authorities' (AWS_CA_BUNDLE); null for those. */
  readonly authorities: Buffer | null
  /** Those of now; renewed ahead of their end. With `afresh`, those that were given before have been refused. */
  credentials(afresh?: boolean): Promise<Credentials>
  /** The same without waiting; null where they must be asked for. */
  known(): Credentials | null
  /** Whether there may be others as soon as these are refused, though nothing said that they end: of a sealed secret. */
  readonly rotates: boolean
}

/** The keys that were sealed to this agent for a location's connection; `afresh` where those that it gave before have been refused. */
export type SealedKeys = (location: S3Location, afresh: boolean) => Promise<Credentials>

type Section = Record<string, string | undefined>

/** Longest that looking for credentials may take; the chain's own steps are shorter, but a login helper may be asked. */
const credentialsMs = 30_000
/** The SDK writes warnings about precedence on the console, which is ours. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** `sealed` is only needed for locations that are. */
export async function resolveAccess(location: S3Location, sealed?: SealedKeys): Promise<Access> {
  const op = `OPEN s3://${location.bucket}`
  const files = await loadSharedConfigFiles()
  const named = location.profile
  const ofNamed: Section = named
    ? { ...files.configFile[named], ...files.credentialsFile[named] }
    : ({} as Section)
  if (named && !files.configFile[named] && !files.credentialsFile[named]) {
    throw new DrayError(
      'bad-credentials',
      op,
      `There is no profile "${named}" in the AWS configuration files.`,
      {
        hint: `Add it with \`aws configure --profile ${named}\`, or to ~/.aws/config and ~/.aws/credentials (AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name others).`,
      },
    )
  }
  const setting = (
    ofEnvironment: (env: NodeJS.ProcessEnv) => string | undefined,
    ofProfile: (profile: Section) => string | undefined,
  ): Promise<string | undefined> =>
    loadConfig<string | undefined>(
      { environmentVariableSelector: ofEnvironment, configFileSelector: ofProfile, default: undefined },
      named ? { profile: named } : {},
    )()
  const endpointOf = (profile: Section) => {
    const services = files.configFile[`services.${profile.services}`]
    return services?.['s3.endpoint_url'] || profile.endpoint_url
  }

  const ignored = await setting(
    (env) => env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS,
    (profile) => profile.ignore_configured_endpoint_urls,
  )
  const configured =
    ignored?.toLowerCase() === 'true'
      ? undefined
      : endpointOf(ofNamed) ||
        (await setting((env) => env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL, endpointOf))
  // What was sealed for one endpoint goes to no other, whatever this machine is configured for.
  const endpoint = location.endpoint ?? (location.sealed ? null : configured) ?? null
  checkEndpoint(endpoint, op)

  const region =
    location.region ??
    ofNamed.region ??
    (await setting(
      (env) => env.AWS_REGION || env.AWS_DEFAULT_REGION,
      (profile) => profile.region,
    )) ??
    'us-east-1'
  const bundle = await setting(
    (env) => env.AWS_CA_BUNDLE,
    (profile) => profile.ca_bundle,
  )
  /** What the environment asks for where the location names no profile. */
  const preferred = await setting(
    (env) => env.AWS_PROFILE,
    () => undefined,
  )
  const addressing = await setting(
    () => undefined,
    (profile) => profile['s3.addressing_style'],
  )

  const special = await setting(
    (env) => env.AWS_USE_FIPS_ENDPOINT || env.AWS_USE_DUALSTACK_ENDPOINT,
    (profile) => profile.use_fips_endpoint || profile.use_dualstack_endpoint,
  )
  const pathStyle =
    location.pathStyle ?? (addressing === 'path' || (endpoint !== null && addressing !== 'virtual'))

  return {
    endpoint,
    region,
    regionIsGiven: location.region !== null,
    pathStyle,
    plain: endpoint !== null && pathStyle && special === undefined,
    authorities: bundle && !endpoint?.startsWith('http:') ? await readBundle(bundle, op) : null,
    rotates: location.sealed === true,
    ...(location.anonymous
      ? { credentials: async () => nobody, known: () => nobody }
      : location.sealed
        ? sealedCredentials(location, sealed, op)
        : credentialsOf(location, region, preferred, op)),
  }
}

function sealedCredentials(
  location: S3Location,
  keys: SealedKeys | undefined,
  op: string,
): Pick<Access, 'credentials' | 'known'> {
  if (!keys) throw new DrayError('config', op, 'Sealed secrets are for agents, which have keys to open them.')
  let known: Credentials | null = null
  return {
    credentials: async (afresh = false) => {
      known = await keys(location, afresh)
      return known
    },
    known: () => known,
  }
}

async function readBundle(path: string, op: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new DrayError('config', op, `The certificates in ${path} cannot be read.`, {
      hint: 'AWS_CA_BUNDLE, or ca_bundle of the profile, names that file; correct it or remove it.',
      cause,
    })
  }
}

function checkEndpoint(endpoint: string | null, op: string): void {
  if (endpoint === null) return
  const fail = (what: string) => {
    throw new DrayError('config', op, `The endpoint ${what}.`, {
      hint: 'An endpoint is the address of a server, like https://s3.example.com or http://127.0.0.1:9000.',
    })
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : fail(`"${endpoint}" is no address`)
  if (!url) return
  if (url.protocol !== 'https:' && url.protocol !== 'http:') fail(`"${endpoint}" is neither http nor https`)
  if (url.username || url.password) fail(`at ${url.host} holds a name or a password`)
  if (url.search || url.hash) fail(`at ${url.host} holds a "?" or a "#"`)
}

/** The SDK renews five minutes before the end; it is asked from then on. */
const endsSoon = ({ expiration }: Credentials) =>
  expiration !== undefined && expiration.getTime() - Date.now() < 6 * 60_000

function credentialsOf(
  location: S3Location,
  region: string,
  preferred: string | undefined,
  op: string,
): Pick<Access, 'credentials' | 'known'> {
  let chain: Chain | null = null
  let known: Credentials | null = null
  const stillKnown = () => (known === null || endsSoon(known) ? null : known)
  const credentials = async (afresh = false) => {
    const before = afresh ? null : stillKnown()
    if (before) return before
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('too long')), credentialsMs)
    })
    try {
      chain ??= (location.profile || preferred ? null : await ofEnvironment()) ?? openChain(location, region)
      known = await Promise.race([chain(afresh ? { forceRefresh: true } : {}), tooLong])
      return known
    } catch (cause) {
      const of = location.profile
        ? ` in profile "${location.profile}"`
        : preferred
          ? ` in profile "${preferred}" (AWS_PROFILE)`
          : ''
      throw new DrayError(
        'bad-credentials',
        op,
        `No credentials were found for bucket "${location.bucket}"${of}.`,
        {
          hint: location.profile
            ? `Give the profile an access key (\`aws configure --profile ${location.profile}\`), or sign in to it.`
            : 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile (--source-profile, --destination-profile).',
          cause,
        },
      )
    } finally {
      clearTimeout(timer)
    }
  }
  return { credentials, known: stillKnown }
}

type Chain = (options: { forceRefresh?: boolean }) => Promise<Credentials>

/** A client of its own, used for nothing else: the chain may have to ask STS or SSO, with the SDK's own means. */
function openChain(location: S3Location, region: string): Chain {
  const { S3Client } = awsSdk()
  const profile = location.profile && { profile: location.profile }
  return new S3Client({ region, logger: silent, ...profile }).config.credentials as Chain
}

/** The chain's first step, where it is all that is needed: keys in the environment that do not end. */
async function ofEnvironment(): Promise<Chain | null> {
  const variable = (name: string) =>
    loadConfig<string | undefined>({
      environmentVariableSelector: (env) => env[name],
      configFileSelector: () => undefined,
      default: undefined,
    })()
  const accessKeyId = await variable('AWS_ACCESS_KEY_ID')
  const secretAccessKey = await variable('AWS_SECRET_ACCESS_KEY')
  const sessionToken = await variable('AWS_SESSION_TOKEN')
  if (!accessKeyId || !secretAccessKey || (await variable('AWS_CREDENTIAL_EXPIRATION'))) return null
  const keys = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
  return async () => keys
}
