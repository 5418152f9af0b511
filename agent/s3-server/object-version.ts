/** One version of an object, or a delete marker. A bucket without versions keeps one a key; a million must be cheap. */
import type { Grant } from './acl.ts'
import type { Checksum } from './checksums.ts'
import type { StoredBody } from './stored-body.ts'

export interface PartLayout {
  readonly number: number
  readonly size: number
  readonly checksum: string | null
}

export interface Lock {
  mode: string | null
  /** Milliseconds. */
  until: number
  legalHold: boolean
}

export type Tags = readonly (readonly [string, string])[]

/** What few objects have. */
export interface Extra {
  tags?: Tags
  checksum?: Checksum
  /** Of a multipart object, in order. */
  parts?: readonly PartLayout[]
  lock?: Lock
  /** Of an archived one: when it can be read (milliseconds), and for how many days. */
  restore?: { ready: number; days: number }
  acl?: readonly Grant[]
  /** Base64 of the MD5 of the customer's key that it was written with. */
  customerKey?: string
}

export interface Draft {
  readonly etag: string
  readonly body: StoredBody
  /** By lower-case name, as they are returned: content-type and the like, x-amz-meta-*. */
  readonly headers: Readonly<Record<string, string>>
  readonly modified: number
  readonly extra?: Extra
}

export class ObjectVersion {
  readonly etag: string
  /** Null: a delete marker. */
  readonly body: StoredBody | null
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds, whole seconds as on AWS. */
  readonly modified: number
  readonly versionId: string
  /** The version before this one. */
  previous: ObjectVersion | null
  extra: Extra | null

  constructor(draft: Draft | { deleted: number }, versionId = 'null', previous: ObjectVersion | null = null) {
    const marker = 'deleted' in draft
    this.etag = marker ? '' : draft.etag
    this.body = marker ? null : draft.body
    this.headers = marker ? {} : draft.headers
    this.modified = Math.floor((marker ? draft.deleted : draft.modified) / 1000) * 1000
    this.versionId = versionId
    this.previous = previous
    this.extra = marker ? null : (draft.extra ?? null)
  }

  get size(): number {
    return this.body?.size ?? 0
  }
}
