/** What a person asked for on the command line, parsed: the input of `dray copy` and `dray verify`. */
import { resolve } from 'node:path'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { customerKeyName } from '../../shared/location.ts'
import { type Arrangement, seesAll } from '../../shared/mapping.ts'
import {
  archivedPolicies,
  compares,
  conflictPolicies,
  defaultDeleteCap,
  defaultPassOptions,
  deleteCapSchema,
  type Filter,
  filterSchema,
  type GivenOptions,
  type PassOptions,
  restoreTiers,
  serverSideCopies,
  versionPolicies,
} from '../../shared/policy.ts'
import { leastBudget } from '../core/budget.ts'
import { arrangementOptions, parseArrangement } from './arrangement-options.ts'
import { parseFidelity, rawFidelitySchema } from './fidelity-options.ts'
import { localSite, type Place, parsePlace } from './place.ts'
import { parseBandwidth, parseRequests } from './quantities.ts'

/** The `--source-…` or `--destination-…` options. */
export interface SideOptions {
  readonly profile: string | null
  readonly endpoint: string | null
  readonly region: string | null
  /** The name of a key that this agent has. */
  readonly customerKey?: string
  readonly anonymous?: true
  readonly requesterPays?: true
}

export interface Request {
  readonly source: { place: Place; options: SideOptions }
  readonly destination: { place: Place; options: SideOptions }
  /** Without `only`, which depends on what SRC turns out to be. */
  readonly filter: Filter
  readonly arrangement: Arrangement
  readonly pass: PassOptions
  /** Most objects in flight at once. */
  readonly concurrency: number
  /** Bytes. */
  readonly memory: number
  readonly threads: number
  /** Of each side, as long as this runs; null: no bound. Bytes and requests a second. */
  readonly limit: { readonly bandwidth: number | null; readonly requests: number | null }
  readonly json: boolean
  /** Where its certificate is written to, absolute. */
  readonly certificate?: string
}

/** What a pass does, as commander gives it. */
const rawPassSchema = rawFidelitySchema.extend({
  symlinks: z.enum(['skip', 'follow']).default('skip'),
  compare: z.enum(compares).default('auto'),
  serverSideCopy: z.enum(serverSideCopies).default('auto'),
  archived: z.enum(archivedPolicies).default('fail'),
  restoreDays: z.number().default(7),
  restoreTier: z.enum(restoreTiers).default('Standard'),
  versions: z.enum(versionPolicies).default('newest'),
  dryRun: z.boolean().default(false),
  delete: z.boolean().default(false),
  deleteAfter: z.number().default(0),
  maxDelete: deleteCapSchema.default(defaultDeleteCap),
  conflicts: z.enum(conflictPolicies).default('overwrite'),
  depth: z.enum(['listing', 'checksum', 'full']).default('checksum'),
  oneWay: z.boolean().default(false),
  sample: z.number().nullable().default(null),
})

/** The options of `copy` and `verify` as commander gives them. */
const rawSchema = rawPassSchema.extend({
  sourceProfile: z.string().optional(),
  sourceEndpoint: z.string().optional(),
  sourceRegion: z.string().optional(),
  destinationProfile: z.string().optional(),
  destinationEndpoint: z.string().optional(),
  destinationRegion: z.string().optional(),
  sourceCustomerKey: z.string().optional(),
  destinationCustomerKey: z.string().optional(),
  sourceAnonymous: z.boolean().default(false),
  sourceRequesterPays: z.boolean().default(false),
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
  concurrency: z.number().default(512),
  memory: z.number().default(leastBudget),
  threads: z.number().default(1),
  limit: z.string().default('none'),
  requests: z.string().default('none'),
  json: z.boolean().default(false),
  certificate: z.string().optional(),
  ...arrangementOptions,
})

export function parseRequest(
  kind: 'copy' | 'verify',
  source: string,
  destination: string,
  options: unknown,
  cwd: string,
): Request {
  const raw = rawSchema.parse(options)
  if (raw.destinationCustomerKey !== undefined && raw.encryption !== 'default') {
    throw usage(
      '--destination-customer-key and --encryption are both given',
      'An object is encrypted in one way; leave one of them out.',
    )
  }
  const from = parsePlace(source, 'SRC', cwd)
  const to = parsePlace(destination, 'DST', cwd)
  const filter = parseFilter(raw.include, raw.exclude)
  const arrangement = parseArrangement(raw, cwd, localSite)
  refuseBlind({ ...arrangement, filter }, from, raw)
  if (raw.deleteAfter > 0 && !raw.delete) {
    throw usage('--delete-after is given without --delete', 'It says when to delete: add --delete.')
  }
  return {
    source: { place: from, options: { ...side('source', from, raw), ...termsOf(from, raw) } },
    destination: { place: to, options: side('destination', to, raw) },
    filter,
    arrangement,
    pass: parsePass(kind, raw),
    concurrency: raw.concurrency,
    memory: raw.memory,
    threads: raw.threads,
    limit: {
      bandwidth: parseBandwidth(raw.limit, '--limit'),
      requests: parseRequests(raw.requests, '--requests'),
    },
    json: raw.json,
    ...(raw.certificate !== undefined && { certificate: resolve(cwd, raw.certificate) }),
  }
}

function parsePass(kind: PassOptions['kind'], raw: z.infer<typeof rawPassSchema>): PassOptions {
  const { storageClass, tags, acl, objectLock, encryption, onLoss, maxDelete, ...options } =
    rawPassSchema.parse(raw)
  const fidelity = parseFidelity({ storageClass, tags, acl, objectLock, encryption, onLoss })
  return { ...defaultPassOptions, kind, fidelity, deleteCap: maxDelete, ...options }
}

/** Only what was given: the rest is for others to decide. */
export function givenPass(options: Readonly<Record<string, unknown>>): GivenOptions {
  const { fidelity, deleteCap, kind: _, ...pass } = parsePass('copy', rawPassSchema.parse(options))
  const given = <T extends object>(values: T): Partial<T> =>
    Object.fromEntries(Object.entries(values).filter(([name]) => options[name] !== undefined)) as Partial<T>
  const objects = given(fidelity)
  return {
    ...given(pass),
    ...(options.maxDelete !== undefined && { deleteCap }),
    ...(Object.keys(objects).length > 0 && { fidelity: objects }),
  }
}

/** That are not named as a pass's own options are. */
export interface PassFlags {
  verify?: true
  depth?: string
  sample?: number
  oneWay?: true
}

/** Of `passing` (moving.ts). */
export function passFrom(options: PassFlags & Record<string, unknown>): GivenOptions {
  const { verify, depth, sample, oneWay } = options
  const given = { '--depth': depth, '--sample': sample, '--one-way': oneWay }
  const alone = Object.entries(given).find(([, value]) => value !== undefined)?.[0]
  if (!verify && alone) {
    throw usage(`${alone} is given without --verify`, 'It is about a verification: add --verify.')
  }
  return { ...givenPass(options), kind: verify ? 'verify' : 'copy' }
}

function side(which: 'source' | 'destination', place: Place, raw: z.infer<typeof rawSchema>): SideOptions {
  const given = {
    profile: raw[`${which}Profile`],
    endpoint: raw[`${which}Endpoint`],
    region: raw[`${which}Region`],
    'customer-key': raw[`${which}CustomerKey`],
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const option = `--${which}-${name}`
    if (place.kind === 'file') {
      const role = which === 'source' ? 'SRC' : 'DST'
      throw usage(
        `${option} is given, but ${role} is a path`,
        `Leave it out, or write ${role} as s3://bucket/prefix.`,
      )
    }
    if (value === '') throw usage(`${option} is empty`, 'Give a value, or leave the option out.')
  }
  const customerKey = given['customer-key']
  if (customerKey !== undefined && !customerKeyName.safeParse(customerKey).success) {
    throw usage(
      `--${which}-customer-key is no name of a key`,
      'Give a name of letters, digits, "_" and "-"; the key itself is read from DRAY_CUSTOMER_KEY_<NAME>.',
    )
  }
  return {
    profile: given.profile ?? null,
    region: given.region ?? null,
    endpoint: given.endpoint === undefined ? null : parseEndpoint(`--${which}-endpoint`, given.endpoint),
    ...(customerKey !== undefined && { customerKey }),
  }
}

/** On what terms the source is read. */
function termsOf(
  place: Place,
  raw: z.infer<typeof rawSchema>,
): Pick<SideOptions, 'anonymous' | 'requesterPays'> {
  const { sourceAnonymous, sourceRequesterPays } = raw
  if (place.kind === 'file' && (sourceAnonymous || sourceRequesterPays)) {
    const option = sourceAnonymous ? '--source-anonymous' : '--source-requester-pays'
    throw usage(`${option} is given, but SRC is a path`, 'Leave it out, or write SRC as s3://bucket/prefix.')
  }
  if (sourceAnonymous && sourceRequesterPays) {
    throw usage(
      '--source-anonymous and --source-requester-pays are both given',
      'Who pays must be known: leave out --source-anonymous.',
    )
  }
  return {
    ...(sourceAnonymous && { anonymous: true }),
    ...(sourceRequesterPays && { requesterPays: true }),
  }
}

/** An address without anything that does not belong in one. */
export function parseEndpoint(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw usage(
      `${option} is no http:// or https:// address: ${text}`,
      `For example ${option} http://127.0.0.1:9000`,
    )
  }
  if (url.username || url.password) {
    throw usage(`${option} holds a password`, 'Put keys in a profile, and name it with the -profile option.')
  }
  if (url.search || url.hash) {
    throw usage(`${option} holds more than an address: ${text}`, `For example ${option} ${url.origin}`)
  }
  return url.href.replace(/\/+$/, '')
}

/** What cannot be done with keys that are not in both places. */
function refuseBlind(
  definition: Arrangement & { filter: Filter },
  source: Place,
  raw: z.infer<typeof rawSchema>,
): void {
  const { mapping, manifest } = definition
  if (manifest?.place.kind === 's3' && source.kind === 'file') {
    throw usage('--manifest is in a bucket, but SRC is a path', 'Give a manifest file.')
  }
  if (raw.versions === 'all' && (mapping || manifest)) {
    const option = manifest ? '--manifest' : '--map-to or --map-prefix'
    throw usage(
      `--versions all cannot go with ${option}`,
      'Copy the newest versions, or all under their own keys.',
    )
  }
  if (raw.versions === 'all' && raw.conflicts === 'park') {
    throw usage(
      '--versions all cannot go with --conflicts park: nothing of a chain of versions is written over',
      'Leave one of them out.',
    )
  }
  if (!raw.delete || seesAll(definition)) return
  throw usage(
    manifest
      ? '--delete cannot go with --manifest: what the manifest does not name is none of its business'
      : '--delete cannot go with a mapping and a filter: nobody knows what the keys that are left out would be in DST',
    'Leave --delete out.',
  )
}

function parseFilter(include: string[], exclude: string[]): Filter {
  const parsed = filterSchema.safeParse({ include, exclude, only: null })
  if (parsed.success) return parsed.data
  const option = parsed.error.issues[0]?.path[0] === 'exclude' ? '--exclude' : '--include'
  throw usage(`${option} is empty, too long, or given too often`, `For example ${option} '*.jpg'`)
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
