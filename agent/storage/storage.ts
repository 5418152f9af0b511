/**
 * What Dray needs of a store: one small interface, rooted at a location. Keys are relative to that root. Adapters stand
 * beside this file (`s3/`, `file/`, `memory.ts`), each held to `test/storage/contract.ts`; `open.ts` puts them together
 * with the wrappers (`retry.ts`, `remember.ts`).
 *
 * Contract of every method: it throws only `DrayError`, classified by the adapter; it ends soon after `signal`
 * aborts, with code `interrupted`; it never retries by itself.
 */
import type { Readable } from 'node:stream'
import type { ErrorCode } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Range } from '../../shared/range.ts'
import type { Archive } from './archive.ts'
import type { CopyFrom, Place } from './copy-from.ts'
import type { Holdings, Properties, Wanted } from './properties.ts'
import type { Versions } from './versions.ts'

/** One line of a listing. */
export interface Entry {
  readonly key: Key
  /** `object` can be copied; a file system's links and devices are said and skipped. Delete markers are only in chains (versions.ts). */
  readonly kind: 'object' | 'symlink' | 'special' | 'delete-marker'
  /** Bytes. */
  readonly size: number
  /** Microseconds since the epoch: S3's LastModified, a file's mtime. */
  readonly mtime: number
  /**
   * Changes whenever the content does. S3: the ETag without quotes. A file: `ctime(µs)-inode`, which also changes on a
   * chmod, so it can prove "unchanged" but never "equal". Two tokens say something about each other only by `etagKind`.
   */
  readonly token: string
  /** S3: GLACIER and the like. Absent where it is the store's default. */
  readonly storageClass?: string
  /** Which version it is, where it was listed or asked for as one. Absent: whatever is the newest. */
  readonly version?: string
  /** Its key at the source itself, where a mapping gives it another one. */
  readonly origin?: Key
  /**
   * Objects that belong at this key and cannot be told apart, or go nowhere, or a directory that cannot be listed: each is a
   * failure, and the key is left alone.
   */
  readonly refused?: readonly Refusal[]
}

/** An object of the source that is known not to be copied when it is listed. */
export interface Refusal {
  /** At the source. */
  readonly key: Key
  /** Bytes. */
  readonly size: number
  readonly code: ErrorCode
  readonly message: string
}

/** All that travels with a body. Header values are byte strings, exactly as the store gave or wants them. */
export interface Metadata {
  /** Lower-case HTTP names: content-type, cache-control, content-disposition, content-encoding, content-language, expires. */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata, by lower-case name without `x-amz-meta-`. A file's mtime is in `mtime`, the way rclone writes it: decimal seconds. */
  readonly user: Readonly<Record<string, string>>
  /** What few objects have besides; absent where there is nothing of it. */
  readonly properties?: Properties
}

export interface Head {
  readonly entry: Entry
  readonly metadata: Metadata
}

/** Asked about the bytes of a body as they pass. What they throw makes the body fail. */
export interface Tap {
  /** Valid only until it returns. */
  chunk?(bytes: Buffer): void
  /** All bytes have passed `chunk`; nobody has the last of them yet, nor has heard of the end. */
  ended?(): void
}

/** A body that can be asked about as it passes, and then needs no stream between its store and the other. */
export interface TappedBody extends Readable {
  /** Before anybody consumes it. */
  through(tap: Tap): this
}

export interface Reading extends Head {
  /** Exactly the bytes asked for, or an error. Whoever gets it must consume or destroy it, where there are no `bytes`. */
  readonly body: Readable | TappedBody
  /** All of the body, where the store gave it at once. */
  readonly bytes?: Buffer
  /** Nobody will look at `bytes` any more: their memory may be another's. Whoever forgets it leaves them to the collector. */
  release?(): void
}

/** Inclusive byte offsets. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** A body to be written. `open` begins it anew for each attempt; its length is exactly `size` bytes. */
export interface Body {
  readonly size: number
  open(signal: AbortSignal): Promise<Readable>
  /** All of it, where it is in memory; then nobody needs to open it. */
  readonly bytes?: Buffer
  /** Base64. The store is asked to refuse anything else, where it can. */
  readonly contentMd5?: string
}

/** What must stand at a key for a write to happen: the object of that token; null: nothing. */
export type Expected = string | null

export interface Written {
  /** The object's token now. */
  readonly token: string
  /** Microseconds; null where the store did not say. */
  readonly mtime: number | null
}

export interface Part {
  readonly number: number
  readonly token: string
  readonly size: number
}

/** One part of an object, as its store tells it. */
export interface PartHead {
  /** Of the whole object. */
  readonly head: Head
  /** Of the part; of the object where `parts` is null. */
  readonly bytes: number
  /** How many parts the object has; null where the store does not answer for parts. */
  readonly parts: number | null
}

/** A multipart upload that was begun and neither completed nor aborted. */
export interface OpenUpload {
  readonly key: Key
  readonly upload: string
  /** Milliseconds, by the store's clock. */
  readonly begun: number
}

/** What stands in a folder itself, not below it. */
export interface FolderEntry {
  readonly kind: 'folder' | Entry['kind']
  /** Relative to the folder: a folder's ends in `/`; empty for an object of the folder's own name (a marker). */
  readonly name: Key
  /** As in `Entry`; null for folders. */
  readonly size: number | null
  readonly mtime: number | null
  readonly storageClass?: string
}

export interface FolderPage {
  /** Rising in the byte order of names. */
  readonly entries: readonly FolderEntry[]
  /** Whether there are others past these. */
  readonly more: boolean
}

export interface ListOptions {
  readonly signal: AbortSignal
  /** Never answer from a remembered listing. */
  readonly fresh?: boolean
}

export interface Storage {
  readonly kind: 's3' | 'file' | 'memory'
  /** For people, without credentials: `s3://bucket/prefix/` or a path. */
  readonly name: string
  /** `md5`: a token of 32 hex digits is the MD5 of the body (S3 without KMS). `none`: tokens say nothing of content. */
  readonly tokens: 'md5' | 'none'
  /** Whether `list` from the middle costs a walk (file systems), so that listings are worth remembering. */
  readonly walks: boolean

  /**
   * Pages of the objects in `range`, in strictly rising byte order of the whole key, whatever the store's own order of
   * directories is. Complete or an error: never a listing that ends early in silence. A missing bucket or directory is
   * `no-such-bucket`/`not-found`, never an empty listing; an empty page is allowed.
   */
  list(range: Range, options: ListOptions): AsyncIterable<Entry[]>

  /**
   * For people who look around: what stands at the root itself, past the name `after`, at most `most` (1 to 999), keys that have the same up to a
   * `/` as one folder. Absent where there are no people to look.
   */
  folder?(options: { after: Key | null; most: number; signal: AbortSignal }): Promise<FolderPage>

  /** Null where there is nothing. With `version`, of that one. */
  head(key: Key, signal: AbortSignal, version?: string): Promise<Head | null>

  /**
   * Part `number` (from 1) of the object `entry`; null where there is nothing, `changed` where it is another object now.
   * Absent where no object has parts.
   */
  headPart?(entry: Entry, number: number, signal: AbortSignal): Promise<PartHead | null>

  /**
   * Null where there is nothing. With `token`, `changed` where the object is another one now. With `version`, that one. With
   * `atOnce`, the bytes that it should have, a store may give it as `bytes`.
   */
  read(
    key: Key,
    options: { token?: string; version?: string; range?: ByteRange; atOnce?: number; signal: AbortSignal },
  ): Promise<Reading | null>

  /**
   * Whole or not at all: an aborted or failed write leaves what was there before. With `expected`, `changed` where something else
   * stands there, as far as the store can tell; one that cannot writes all the same. Never a request more.
   */
  write(key: Key, body: Body, metadata: Metadata, signal: AbortSignal, expected?: Expected): Promise<Written>

  /** True where something was there. With `token`, `changed` where it is another object now. */
  delete(key: Key, options: { token?: string; signal: AbortSignal }): Promise<boolean>

  /** Null where the store has no multipart uploads (a file system: `write` takes any size). */
  readonly multipart: Multipart | null

  /** Absent where no other location can have its objects copied by the store. */
  readonly place?: Place

  /** Absent where the store cannot copy by itself. */
  readonly copyFrom?: CopyFrom

  /** Absent where no object is ever archived. */
  readonly archive?: Archive

  /** Null or absent where the store keeps one version of each object. */
  readonly versions?: Versions | null

  /**
   * The metadata of what `head` or `read` found, with what takes requests of its own; the same where there is nothing to ask. Absent
   * where a store has nothing of the kind.
   */
  describe?(head: Head, wanted: Wanted, signal: AbortSignal): Promise<Metadata>

  /**
   * What this store says it can hold, by questions that change nothing; null where it does not say. Absent where there is
   * nothing to ask.
   */
  holds?(signal: AbortSignal): Promise<Holdings>

  /** Gives tags, retention and legal hold to an object that is there. Absent where a store has none. */
  amend?(key: Key, properties: Properties, signal: AbortSignal): Promise<void>

  /**
   * Whether the store refuses a body that is not that of its `contentMd5`: found out once, by trying, and false where that could not be
   * found out. Absent where nobody has to ask, since tokens tell what was stored.
   */
  refusesWrongMd5?(signal: AbortSignal): Promise<boolean>

  /**
   * Why nothing may be called superfluous elsewhere on the word of its listings, or null; asked after a listing. Absent: they tell all.
   */
  readonly blind?: string | null

  /** Reasons why this store cannot hold `key`, or null. Pure. */
  unsupported(key: Key): string | null

  close(): Promise<void>
}

export interface Multipart {
  /** Least bytes of every part but the last, most bytes of any, most parts, most bytes of a single `write`. */
  readonly limits: { minPart: number; maxPart: number; maxParts: number; maxWrite: number }
  create(key: Key, metadata: Metadata, signal: AbortSignal): Promise<string>
  part(key: Key, upload: string, number: number, body: Body, signal: AbortSignal): Promise<Part>
  /** Pages of the parts past number `after` (0: all), in their order. */
  list(key: Key, upload: string, signal: AbortSignal, after?: number): AsyncIterable<Part[]>
  /** Pages of the uploads of all keys that begin with `prefix`, by whoever began them. */
  uploads(prefix: Key, signal: AbortSignal): AsyncIterable<OpenUpload[]>
  /** `expected` as in `write`. */
  complete(
    key: Key,
    upload: string,
    parts: readonly Part[],
    signal: AbortSignal,
    expected?: Expected,
  ): Promise<Written>
  abort(key: Key, upload: string, signal: AbortSignal): Promise<void>
}
