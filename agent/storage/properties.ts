/** What an object may be besides its bytes, headers and user metadata. Few objects have any of it. */

export interface Tag {
  /** Text. */
  readonly name: string
  readonly value: string
}

export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  /** As the store writes it, ISO 8601. */
  readonly until: string
}

export interface Encryption {
  /** `customer`: with a key that only its owner has (SSE-C). */
  readonly algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | 'customer'
  /** Of KMS: the key's name; absent where the store did not say, or is to choose. */
  readonly key?: string
  /** Of KMS: whether S3 asks KMS for a key of the bucket, and not for one per object. */
  readonly bucketKey?: boolean
}

/** Of the whole body, as the store keeps it. */
export interface Checksum {
  /** As in the header's name: crc32, crc32c, crc64nvme, sha1, sha256. */
  readonly algorithm: string
  /** Base64. */
  readonly value: string
}

export interface Grant {
  readonly permission: 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP'
  /** As grant headers name it: `id` (of an account), `uri` (of a group) or `emailAddress`. */
  readonly by: 'id' | 'uri' | 'emailAddress'
  readonly who: string
}

/** Who may do what, besides its owner, who may do everything. */
export interface Acl {
  readonly grants: readonly Grant[]
}

export interface Properties {
  /** Absent where it is STANDARD. */
  readonly storageClass?: string
  /** How many tags the store says there are. */
  readonly tagCount?: number
  /** Where they were asked for. */
  readonly tags?: readonly Tag[]
  /** Where a website's visitor is sent instead. */
  readonly redirect?: string
  readonly retention?: Retention
  readonly legalHold?: true
  readonly encryption?: Encryption
  readonly checksum?: Checksum
  /** Where it was asked for; absent where only the owner has rights. */
  readonly acl?: Acl
  /** User metadata that the store has and could not put in headers. */
  readonly missing?: number
}

/** What takes requests of its own to find out. */
export interface Wanted {
  readonly tags: boolean
  readonly acl: boolean
}

/** Null: it did not say. */
export interface Holdings {
  readonly tags: boolean | null
  /** Of the location's bucket: retention and legal hold. */
  readonly objectLock: boolean | null
}
