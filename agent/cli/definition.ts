/** What a migration is to be, from places and options that nobody here has to see: agents do. */
import * as z from 'zod'
import type { NewMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { type Location, locationSchema } from '../../shared/location.ts'
import { type Policy, policySchema } from '../../shared/policy.ts'
import { canonicalFilter } from './migration-id.ts'
import { folderPrefix, localSite, type Place } from './place.ts'
import { localWorkspace } from './plane.ts'
import { givenPass, parseRequest, type Request } from './request.ts'

const rawSchema = z.object({
  sourceConnection: z.string().optional(),
  destinationConnection: z.string().optional(),
  sourceSite: z.string().optional(),
  destinationSite: z.string().optional(),
  only: z.string().optional(),
})
type Raw = z.infer<typeof rawSchema>

/** `at`: for the workspace that is asked, since an embedded one has one site. */
export interface Definition {
  at(workspace: string): NewMigration
  readonly policy: Policy
}

export function parseDefinition(
  source: string,
  destination: string,
  options: Record<string, unknown>,
): Definition {
  const raw = rawSchema.parse(options)
  // A path is one of the machine that has it: it is taken from `/` on, whatever directory this is.
  const request = parseRequest('copy', source, destination, options, '/')
  refuseRelative('SRC', source)
  refuseRelative('DST', destination)
  const filter = canonicalFilter({ ...request.filter, only: raw.only ?? null })
  return {
    policy: policySchema.parse(givenPass(options)),
    at(workspace) {
      const site = siteIn(workspace)
      const from = endOf('source', request, raw, site)
      const to = endOf('destination', request, raw, site)
      return { source: from, destination: to, filter, ...arrangementAt(request, from, site) }
    },
  }
}

/** Where directories are unless somebody says. */
export const siteIn = (workspace: string): string | null => (workspace === localWorkspace ? localSite : null)

export function refuseRelative(name: string, text: string): void {
  if (/^([a-z][a-z0-9+.-]*:|\/)/i.test(text)) return
  throw usage(`${name} is a path that begins here: ${text}`, 'Give the whole path, as it is at its site.')
}

type Side = 'source' | 'destination'
const roles = { source: 'SRC', destination: 'DST' } as const

function endOf(side: Side, request: Request, raw: Raw, usual: string | null): Location {
  const { place, options } = request[side]
  const connection = raw[`${side}Connection`]
  const site = raw[`${side}Site`]
  if (place.kind === 'file') {
    if (connection !== undefined) {
      throw usage(
        `--${side}-connection is given, but ${roles[side]} is a path`,
        `Leave it out, or write ${roles[side]} as s3://bucket/prefix.`,
      )
    }
    return checked(side, { kind: 'file', path: place.path, site: siteOf(side, place, site ?? usual) })
  }
  const own = Object.entries({ ...options, customerKey: null }).find(([, value]) => value !== null)
  if (connection !== undefined && own) {
    throw usage(
      `--${side}-connection and --${side}-${own[0].replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} are both given`,
      'A connection says how the store is reached: change it there, or leave one of them out.',
    )
  }
  const prefix = folderPrefix(place.key)
  return checked(side, {
    ...{ kind: 's3', bucket: place.bucket, prefix, ...options, site: site ?? null },
    ...(connection !== undefined && { connection }),
  })
}

function siteOf(side: Side, place: Extract<Place, { kind: 'file' }>, site: string | null): string {
  if (site !== null) return site
  throw usage(
    `nothing says where ${place.path} is`,
    `Give --${side}-site NAME: agents of one site see the same directories.`,
  )
}

/** A manifest that is a file is where the source is. */
function arrangementAt({ arrangement }: Request, source: Location, usual: string | null) {
  const { manifest } = arrangement
  if (manifest?.place.kind !== 'file') return arrangement
  const site = source.site ?? usual
  if (site === null) {
    throw usage('nothing says where the manifest is', 'Give --source-site NAME: where an agent can read it.')
  }
  return { ...arrangement, manifest: { ...manifest, place: { ...manifest.place, site } } }
}

function checked(side: Side, location: unknown): Location {
  const parsed = locationSchema.safeParse(location)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw usage(
    `${roles[side]}: ${issue?.path.join('.')}: ${issue?.message}`,
    'See the --help of this command.',
  )
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
