/** One of the two sides of a mirror: its bucket and prefix, and how it is asked. Refusals are answers here: the application gets them as they are. */
import { type Key, keyFromText } from '../../shared/key.ts'
import { formatLocation, type S3Location } from '../../shared/location.ts'
import { withRetry } from '../storage/retry.ts'
import type { S3Client, S3Request } from '../storage/s3/client.ts'
import { escaped, patience } from '../storage/s3/client.ts'
import type { HttpResponse, WholeResponse } from '../storage/s3/http.ts'
import { Lane, type Lanes } from '../storage/s3/lanes.ts'
import { openClient } from '../storage/s3/open-client.ts'
import { storageOver } from '../storage/s3/s3-storage.ts'
import type { Storage } from '../storage/storage.ts'
import { Throttles } from '../storage/throttles.ts'
import { Presence } from './presence.ts'

export type SideName = 'old' | 'new'

export interface SideRequest {
  readonly method: S3Request['method']
  /** As the application calls it; null for what concerns the bucket. */
  readonly key: Key | null
  /** Not escaped. */
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: S3Request['body']
  readonly signal: AbortSignal
}

export interface Side {
  readonly name: SideName
  /** `s3://bucket/prefix/`, and its endpoint where it is not AWS. */
  readonly place: string
  readonly bucket: string
  readonly prefix: Key
  readonly region: string
  /** Asked before it is made to wait for as the side that only follows. */
  readonly presence: Presence
  /** For whatever is no request of the application's: repair. */
  readonly storage: Storage
  /** As the bucket has it. */
  whole(key: Key): Key
  /** A body that is a stream needs a content-length. */
  stream(request: SideRequest): Promise<HttpResponse>
  /** The answer with its body, of at most 8 MiB. */
  ask(request: SideRequest): Promise<WholeResponse>
  close(): Promise<void>
}

/** The longest: a listing of 1,000 keys of 1,024 bytes, escaped. */
const longestAnswer = 8 * 1024 * 1024
/** Of the repairs' own, besides those of the application's requests. */
const spare = 32

export async function openSide(
  name: SideName,
  location: S3Location,
  { requests, patienceMs, env }: { requests: number; patienceMs: number; env: NodeJS.ProcessEnv },
): Promise<Side> {
  const connections = requests + spare
  const { access, client } = await openClient(location, { connections, lanes: unpaced(connections), env })
  const storage = withRetry(await storageOver(client, access, location), { attempts: 3 })
  const prefix = keyFromText(location.prefix)
  const whole = (key: Key) => (prefix + key) as Key
  const asked = (request: SideRequest): S3Request => ({
    verb: verbOf(request),
    method: request.method,
    key: request.key === null ? null : whole(request.key),
    query: queryOf(request.query ?? {}),
    headers: request.headers ?? {},
    body: request.body ?? null,
    signal: request.signal,
    patience: request.method === 'GET' || request.method === 'HEAD' ? patience.usual : patience.write,
    refusals: true,
  })
  return {
    name,
    place: formatLocation(location) + (access.endpoint === null ? '' : ` at ${access.endpoint}`),
    bucket: location.bucket,
    prefix,
    region: access.region,
    presence: new Presence(patienceMs / 2),
    storage,
    whole,
    stream: (request) => client.send(asked(request)),
    ask: (request) => client.whole(asked(request), longestAnswer),
    close: () => closed(client, storage),
  }
}

async function closed(client: S3Client, storage: Storage): Promise<void> {
  await storage.close()
  await client.close()
}

const verbOf = ({ method, query = {} }: SideRequest): string => {
  const [first] = Object.keys(query)
  return first === undefined ? method : `${method}-${first.toUpperCase()}`
}

/** In the order of their names, which is that in which they are signed. */
const queryOf = (query: Readonly<Record<string, string>>): string =>
  Object.keys(query)
    .map((name) => `${escaped(name)}=${escaped(query[name]!)}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join('&')

/**
 * The application decides how much it asks at once, and each of its writes needs both sides: a pace of our own for each could keep two writes
 * waiting for each other. What a store refuses as too much, the application hears.
 */
class OpenLane extends Lane {
  override admit(): boolean {
    return true
  }
  override release(): void {}
  override slow(): void {}
  override look(): void {}
}

function unpaced(most: number): Lanes {
  const throttles = new Throttles()
  return {
    throttles,
    of: (origin, endpoint = origin) =>
      new OpenLane(
        most,
        () => performance.now(),
        () => {},
        throttles.of(endpoint),
      ),
    bound() {},
    room: null,
  }
}
