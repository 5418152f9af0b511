/** A place as `dray browse` and `dray scan` are given it: one that agents see, and how they reach it. */
import { DrayError } from '../../shared/error.ts'
import { type Location, locationSchema } from '../../shared/location.ts'
import { refuseRelative, siteIn } from './definition.ts'
import { folderPrefix, parsePlace } from './place.ts'
import type { AskOptions } from './plane.ts'
import { parseEndpoint } from './request.ts'

export interface LookOptions extends AskOptions {
  connection?: string
  site?: string
  profile?: string
  endpoint?: string
  region?: string
  anonymous?: true
  requesterPays?: true
}

/** A function of the workspace that is asked. Throws `usage`. */
export function parseLookedAt(text: string, options: LookOptions): (workspace: string) => Location {
  const place = parsePlace(text, 'PLACE', '/')
  refuseRelative('PLACE', text)
  const { connection, site, profile, endpoint, region, anonymous, requesterPays } = options
  const own = Object.entries({ profile, endpoint, region, anonymous, requesterPays })
  const [given] = own.find(([, value]) => value !== undefined) ?? []
  const name = given?.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)
  if (place.kind === 'file') {
    const wrong = connection === undefined ? name : 'connection'
    if (wrong === undefined) return (workspace) => directory(place.path, site ?? siteIn(workspace))
    throw usage(`--${wrong} is given, but PLACE is a path`, 'Leave it out, or write s3://bucket/prefix.')
  }
  if (connection !== undefined && name !== undefined) {
    throw usage(
      `--connection and --${name} are both given`,
      'A connection says how the store is reached: change it there, or leave one of them out.',
    )
  }
  return () =>
    checked({
      ...{ kind: 's3', bucket: place.bucket, prefix: folderPrefix(place.key), site: site ?? null },
      ...{ profile: profile ?? null, region: region ?? null },
      endpoint: endpoint === undefined ? null : parseEndpoint('--endpoint', endpoint),
      ...(anonymous && { anonymous }),
      ...(requesterPays && { requesterPays }),
      ...(connection !== undefined && { connection }),
    })
}

function directory(path: string, site: string | null): Location {
  if (site !== null) return checked({ kind: 'file', path, site })
  throw usage(
    `nothing says where ${path} is`,
    'Give --site NAME: agents of one site see the same directories.',
  )
}

function checked(location: unknown): Location {
  const parsed = locationSchema.safeParse(location)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw usage(`PLACE: ${issue?.path.join('.')}: ${issue?.message}`, 'See the --help of this command.')
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
