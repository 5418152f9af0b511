/**
 * What the New migration page knows so far, as it is typed: text, also where it is wrong yet. It outlives a reload (kept.ts), so there is no
 * secret in it. `definitionOf` makes a migration of it, `missing` says what stands in the way.
 */
import * as z from 'zod'
import { type MigrationView, type NewMigration, newMigrationSchema } from '../../../shared/api/migrations.ts'
import { defaultFidelity, fidelitySchema } from '../../../shared/fidelity.ts'
import { idSchema } from '../../../shared/id.ts'
import {
  type Mapping,
  manifestSchema,
  mappingSchema,
  seesAll,
  unmatchedPolicies,
} from '../../../shared/mapping.ts'
import {
  defaultPassOptions,
  type Filter,
  type GivenOptions,
  type PassOptions,
  type Policy,
  passOptions,
  passOptionsSchema,
  priorities,
} from '../../../shared/policy.ts'
import { pricesSchema } from '../../../shared/prices.ts'
import { draftOf, followDraftSchema, followOf, usualFollow } from '../follow/draft.ts'
import { emptySide, locationOf, sideLike, sideSchema } from './side.ts'

export type Which = 'source' | 'destination'
export const sides = ['source', 'destination'] as const

export const draftSchema = z.object({
  id: z.string(),
  source: sideSchema,
  destination: sideSchema,
  /** A glob a line. */
  include: z.string(),
  exclude: z.string(),
  only: z.string().nullable(),
  mapping: z.object({
    kind: z.enum(['none', 'prefix', 'template']),
    from: z.string(),
    to: z.string(),
    pattern: z.string(),
    template: z.string(),
    unmatched: z.enum(unmatchedPolicies),
  }),
  manifest: manifestSchema.nullable(),
  options: passOptionsSchema.omit({
    ...{ kind: true, dryRun: true, depth: true, oneWay: true, sample: true, direction: true },
  }),
  follow: followDraftSchema,
  priority: z.enum(priorities),
  /** Connections that were made on the way. */
  made: z.array(z.string()),
  /** As somebody corrected them; null: as the public list has them. */
  prices: z.object({ source: pricesSchema.nullable(), destination: pricesSchema.nullable() }),
})
export type Draft = z.infer<typeof draftSchema>

/** What a policy says of a pass. */
const policyPart = (options: PassOptions) => {
  const { kind: _k, dryRun: _d, depth: _e, oneWay: _o, sample: _s, direction: _r, ...policy } = options
  return policy
}
const usual = policyPart(defaultPassOptions)

export const emptyDraft: Draft = {
  id: '',
  source: emptySide,
  destination: emptySide,
  include: '',
  exclude: '',
  only: null,
  mapping: { kind: 'none', from: '', to: '', pattern: '', template: '', unmatched: 'fail' },
  manifest: null,
  options: usual,
  follow: usualFollow,
  priority: 'normal',
  made: [],
  prices: { source: null, destination: null },
}

/** The settings of a migration, for another one. */
export function draftLike(migration: MigrationView): Draft {
  const { filter, mapping, manifest = null, policy, follow, priority } = migration
  return {
    ...emptyDraft,
    source: sideLike(migration.source),
    destination: sideLike(migration.destination),
    include: filter.include.join('\n'),
    exclude: filter.exclude.join('\n'),
    only: filter.only,
    mapping: !mapping
      ? emptyDraft.mapping
      : mapping.kind === 'prefix'
        ? { ...emptyDraft.mapping, ...mapping }
        : {
            ...emptyDraft.mapping,
            kind: 'template',
            pattern: mapping.pattern ?? '',
            template: mapping.to,
            unmatched: mapping.unmatched,
          },
    manifest,
    options: policyPart(passOptions(policy)),
    follow: draftOf(follow),
    priority,
  }
}

/** Sorted, each once: as the command line says the same. */
const lines = (text: string) =>
  [...new Set(text.split('\n').map((line) => line.trim()))].filter((line) => line !== '').sort()

export const filterOf = ({ include, exclude, only }: Draft): Filter => ({
  include: lines(include),
  exclude: lines(exclude),
  only,
})

/** Undefined: keys stay as they are. Not checked yet. */
export function mappingOf({ mapping }: Draft): Mapping | undefined {
  const { kind, from, to, pattern, template, unmatched } = mapping
  if (kind === 'none') return undefined
  if (kind === 'prefix') return { kind, from, to, unmatched }
  return { kind, pattern: pattern === '' ? null : pattern, to: template, unmatched }
}

/** What is wrong with it; null: nothing. */
export function mappingFault(draft: Draft): string | null {
  const mapping = mappingOf(draft)
  const parsed = mapping && mappingSchema.safeParse(mapping)
  return parsed?.success === false ? (parsed.error.issues[0]?.message ?? null) : null
}

/** What is other than usual. */
export function policyOf({ options }: Draft): Policy {
  const { fidelity, ...rest } = differing<GivenOptions>(options, usual)
  const objects = differing(options.fidelity, defaultFidelity)
  return { ...rest, ...(fidelity && Object.keys(objects).length > 0 && { fidelity: objects }) } as Policy
}

const differing = <T extends object>(of: T, from: object): Partial<T> =>
  Object.fromEntries(
    Object.entries(of).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify((from as Record<string, unknown>)[name]),
    ),
  ) as Partial<T>

/** Null while something of it is missing or wrong. */
export function definitionOf(draft: Draft): (NewMigration & { policy: Policy }) | null {
  const [source, destination] = [locationOf(draft.source), locationOf(draft.destination)]
  if (!source || !destination) return null
  const mapping = mappingOf(draft)
  const parsed = newMigrationSchema.safeParse({
    ...{ source, destination, filter: filterOf(draft) },
    ...(mapping && { mapping }),
    ...(draft.manifest && { manifest: draft.manifest }),
  })
  const isPolicy = passOptionsSchema.safeParse({ ...defaultPassOptions, ...draft.options }).success
  return parsed.success && isPolicy ? { ...parsed.data, policy: policyOf(draft) } : null
}

/** The steps of the page. */
export const steps = ['name', 'source', 'destination', 'filters', 'keys', 'policy', 'follow'] as const
export type Step = (typeof steps)[number]

/** Where something is missing or wrong, in the order of the page. */
export function missing(draft: Draft): Step[] {
  const { filter, mapping, manifest } = { ...draft, filter: filterOf(draft), mapping: mappingOf(draft) }
  const isBlind =
    (draft.options.delete &&
      !seesAll({ filter, ...(mapping && { mapping }), ...(manifest && { manifest }) })) ||
    (draft.options.versions === 'all' && Boolean(mapping || manifest))
  const wrong: Record<Step, boolean> = {
    name: !idSchema.safeParse(draft.id).success,
    source: !locationOf(draft.source),
    destination: !locationOf(draft.destination),
    filters: newMigrationSchema.shape.filter.safeParse(filter).success === false,
    keys: mappingFault(draft) !== null,
    policy:
      isBlind ||
      !passOptionsSchema.safeParse({ ...defaultPassOptions, ...draft.options }).success ||
      !fidelitySchema.safeParse(draft.options.fidelity).success,
    follow: followOf(draft.follow) === null,
  }
  return steps.filter((step) => wrong[step])
}
