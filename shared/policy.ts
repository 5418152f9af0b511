/**
 * What an operator may decide: which objects belong to a migration (its filter), and what one pass does.
 */
import * as z from 'zod'
import { defaultFidelity, fidelitySchema } from './fidelity.ts'

const glob = z.string().min(1).max(1024)

/**
 * An object belongs to the migration when some `include` matches (or there is none) and no `exclude` does.
 * Globs: `*` and `?` stay within a path segment, `**` crosses, `[a-z]`, `[!a-z]` and `{a,b}` work, `\` takes the next
 * character as it is. A pattern without `/` matches the last segment at any depth; one whose only `/` is at its end matches
 * everything in folders of that name, at any depth; any other is anchored at the location, whether or not it begins with `/`.
 * What the filter leaves out is not listed, not counted, and never deleted.
 */
export const filterSchema = z.strictObject({
  include: z.array(glob).max(1000),
  exclude: z.array(glob).max(1000),
  /** One single object, by its exact key (text) relative to the location: a file or an object as the source. */
  only: z.string().min(1).max(1024).nullable(),
})
export type Filter = z.infer<typeof filterSchema>
export const noFilter: Filter = { include: [], exclude: [], only: null }

/** What a file system's links are to a migration. `follow` takes links to files that stay within the location. */
export const symlinkPolicies = ['skip', 'follow'] as const

/** How far a verification goes; each includes what stands before it. */
export const depths = ['listing', 'checksum', 'full'] as const
export type Depth = (typeof depths)[number]

/**
 * When a copy takes two objects of one size for the same. `auto`: the strongest evidence that costs no request per unchanged object
 * (ETags, else the baseline, else times). `checksum`: contents are hashed wherever ETags do not prove them equal. `mtime`: times
 * alone, where ETags are not equal: two files of one mtime; two stores, where the source's LastModified is not newer than the destination's; a
 * file and an object that was made from it, or into it, at that mtime. `full`: every byte of both, each time.
 */
export const compares = ['auto', 'checksum', 'mtime', 'full'] as const
export type Compare = (typeof compares)[number]

/**
 * Which versions of an object go: the newest, or all of them and the delete markers between, oldest first. `all` needs buckets on
 * both sides, and versioning at the destination; what is there besides stays, below. With `delete`, `all` lays delete
 * markers and takes no version away.
 */
export const versionPolicies = ['newest', 'all'] as const

/**
 * What becomes of an object that somebody else has changed, made or deleted at the side that follows, since both sides were equal by the
 * baseline: written over, as the migration's own; or left as it is and told as a `conflict`, for the operator.
 */
export const conflictPolicies = ['overwrite', 'park'] as const

/**
 * How many objects a pass may delete without being told so: past either bound it deletes nothing, and asks. `share`: of the objects that it
 * found at the destination, though ten are always allowed by it. Null: no bound of that kind.
 */
export const deleteCapSchema = z.strictObject({
  objects: z.number().int().nonnegative().nullable(),
  share: z.number().min(0).max(1).nullable(),
})
export type DeleteCap = z.infer<typeof deleteCapSchema>
export const defaultDeleteCap: DeleteCap = { objects: null, share: 0.5 }

export const serverSideCopies = ['auto', 'never'] as const

/**
 * What becomes of archived objects (GLACIER and the like) that are to be copied and cannot be read: left out and counted as skipped;
 * failed, each by name; or restored for some days and waited for, which the store charges for. Those that were restored
 * are copied whatever this says.
 */
export const archivedPolicies = ['fail', 'skip', 'restore'] as const
/** S3's names: minutes, hours, or half a day, and dear to cheap. */
export const restoreTiers = ['Expedited', 'Standard', 'Bulk'] as const
export type RestoreTier = (typeof restoreTiers)[number]

export const passOptionsSchema = z.strictObject({
  kind: z.enum(['copy', 'verify']),
  /** Counts what a copy would do, and does nothing. */
  dryRun: z.boolean(),
  /** Deletes at the destination what the source's complete listing does not have. */
  delete: z.boolean(),
  /** Not before it has been missing at the source for so many seconds, as far as is known. */
  deleteAfter: z
    .number()
    .int()
    .min(0)
    .max(366 * 86_400)
    .default(0),
  deleteCap: deleteCapSchema.default(defaultDeleteCap),
  depth: z.enum(depths),
  /** A verification that does not mind objects that are only at the destination. */
  oneWay: z.boolean(),
  symlinks: z.enum(symlinkPolicies),
  /** What of an object, besides its bytes, goes to the destination. */
  fidelity: fidelitySchema.default(defaultFidelity),
  /** Of a copy; a verification has `depth`. */
  compare: z.enum(compares).default('auto'),
  /** `auto`: where both sides are in one store, and one set of rights opens them, the store copies by itself. */
  serverSideCopy: z.enum(serverSideCopies).default('auto'),
  archived: z.enum(archivedPolicies).default('fail'),
  /** How long a readable copy of an archived object stays. */
  restoreDays: z.number().int().min(1).max(365).default(7),
  restoreTier: z.enum(restoreTiers).default('Standard'),
  versions: z.enum(versionPolicies).default('newest'),
  /** Of a verification: this share of the objects, chosen at random, is read in full on both sides besides. */
  sample: z.number().gt(0).lte(1).nullable().default(null),
  conflicts: z.enum(conflictPolicies).default('overwrite'),
  /** `all`: the baseline is left complete, also of what listings alone prove, so that a later pass can compare three ways. */
  remember: z.enum(['needed', 'all']).default('needed'),
  /** `back`: the source is made what the destination is. Only a migration's life begins such a pass (life.ts), after a cut-over. */
  direction: z.enum(['forward', 'back']).default('forward'),
})
export type PassOptions = z.infer<typeof passOptionsSchema>

export const defaultPassOptions: PassOptions = {
  kind: 'copy',
  dryRun: false,
  delete: false,
  deleteAfter: 0,
  deleteCap: defaultDeleteCap,
  depth: 'checksum',
  oneWay: false,
  symlinks: 'skip',
  fidelity: defaultFidelity,
  compare: 'auto',
  serverSideCopy: 'auto',
  archived: 'fail',
  restoreDays: 7,
  restoreTier: 'Standard',
  versions: 'newest',
  sample: null,
  conflicts: 'overwrite',
  remember: 'needed',
  direction: 'forward',
}

/** Options as somebody gives them: what is left out is decided elsewhere, so nothing is filled in here. */
const leftOut = <S extends z.ZodRawShape>(shape: S) =>
  Object.fromEntries(
    Object.entries(shape).map(([name, field]) => [
      name,
      z.optional(field instanceof z.ZodDefault ? field.unwrap() : field),
    ]),
  ) as { [name in keyof S]: z.ZodOptional<S[name] extends z.ZodDefault<infer T> ? T : S[name]> }
export const givenOptionsSchema = z.strictObject({
  ...leftOut(passOptionsSchema.shape),
  fidelity: z.strictObject(leftOut(fidelitySchema.shape)).optional(),
})
export type GivenOptions = z.infer<typeof givenOptionsSchema>

/** What a migration's passes do unless they are told otherwise. */
export const policySchema = givenOptionsSchema.omit({
  kind: true,
  dryRun: true,
  depth: true,
  oneWay: true,
  sample: true,
  direction: true,
})
export type Policy = z.infer<typeof policySchema>

/** As the last of them that says it, or else as usual. A verification deletes nothing. */
export function passOptions(...given: readonly GivenOptions[]): PassOptions {
  const fidelity = Object.assign({ ...defaultFidelity }, ...given.map((each) => each.fidelity ?? {}))
  const options: PassOptions = Object.assign({ ...defaultPassOptions }, ...given, { fidelity })
  return options.kind === 'verify' ? { ...options, delete: false } : options
}

/**
 * How large a packet is. A packet ends at the first of these bounds; `listedKeys` is hard, since a packet's keys are
 * held while it is worked on. Packets near 200 MB are what an operator of the measured dashboard settled on; 1,000
 * objects is one listing page.
 */
export const packetBounds = { workBytes: 200_000_000, workObjects: 1_000, listedKeys: 10_000 } as const

/** How much of its agents a migration gets, beside others that have work too: what nobody else needs, any of them gets. */
export const priorities = ['low', 'normal', 'high'] as const
export type Priority = (typeof priorities)[number]
export const weights: Record<Priority, number> = { low: 1, normal: 4, high: 16 }
