/** `dray migration create`: for a control plane whose agents see the places, which nobody here has to. */
import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { type MigrationView, putMigration } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { formatLocation, type Location, locationSchema } from '../../shared/location.ts'
import { type Policy, policySchema, priorities } from '../../shared/policy.ts'
import { exitCodes, type Io } from './io.ts'
import { canonicalFilter } from './migration-id.ts'
import { folderPrefix, localSite, type Place } from './place.ts'
import { type AskOptions, localWorkspace, withSomePlane } from './plane.ts'
import { givenPass, parseRequest, type Request } from './request.ts'

const rawSchema = z.object({
  sourceConnection: z.string().optional(),
  destinationConnection: z.string().optional(),
  sourceSite: z.string().optional(),
  destinationSite: z.string().optional(),
  only: z.string().optional(),
  priority: z.enum(priorities).optional(),
})
type Raw = z.infer<typeof rawSchema>

export async function createMigration(
  id: string,
  source: string,
  destination: string,
  options: AskOptions & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const raw = rawSchema.parse(options)
  // A path is one of the machine that has it: it is taken from `/` on, whatever directory this is.
  const request = parseRequest('copy', source, destination, options, '/')
  for (const [name, text] of [['SRC', source] as const, ['DST', destination] as const]) {
    if (!/^([a-z][a-z0-9+.-]*:|\/)/i.test(text)) {
      throw usage(`${name} is a path that begins here: ${text}`, 'Give the whole path, as it is at its site.')
    }
  }
  const policy = policySchema.parse(givenPass(options))
  const migration = await withSomePlane(options, io, (plane) => {
    const site = plane.workspace === localWorkspace ? localSite : null
    const from = locationOf('source', request, raw, site)
    const to = locationOf('destination', request, raw, site)
    const filter = canonicalFilter({ ...request.filter, only: raw.only ?? null })
    const body = { source: from, destination: to, filter, ...arrangementAt(request, from, site) }
    const { priority } = raw
    return plane.call(putMigration, {
      params: { migration: id },
      body: { ...body, policy, ...(priority && { priority }) },
    })
  })
  refuseOther(migration, policy, raw.priority)
  if (options.json) io.stdout.write(`${JSON.stringify(migration)}\n`)
  else {
    const places = `${formatLocation(migration.source)} → ${formatLocation(migration.destination)}`
    io.stdout.write(visible(`${id}: ${places}\nStart a pass with: dray migration start ${id}\n`))
  }
  return exitCodes.equal
}

/** It was there already, and is left as it is. */
function refuseOther(migration: MigrationView, policy: Policy, priority = migration.priority): void {
  const { id } = migration
  const isOther = !isDeepStrictEqual(migration.policy, policy)
  if (!isOther && migration.priority === priority) return
  const [what, hint] = isOther
    ? ['policy', `Change it: dray migration policy ${id} and the same options`]
    : ['priority', `Change it: dray migration priority ${id} ${priority}`]
  throw new DrayError('busy', 'create', `the migration ${id} is there already, with another ${what}`, {
    hint,
  })
}

type Side = 'source' | 'destination'
const roles = { source: 'SRC', destination: 'DST' } as const

function locationOf(side: Side, request: Request, raw: Raw, usual: string | null): Location {
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
    'See dray migration create --help.',
  )
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
