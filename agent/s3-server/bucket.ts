/**
 * A bucket: its objects in byte order of their keys, each the top of a stack of versions, and its multipart uploads.
 * Nothing here knows HTTP. Invariant: a key is in the map only while it has a version or a delete marker.
 */
import { randomBytes } from 'node:crypto'
import type { Key } from '../../shared/key.ts'
import type { ChecksumName, ChecksumType } from './checksums.ts'
import { S3Error } from './errors.ts'
import type { Change } from './notifications.ts'
import { type Draft, type Extra, ObjectVersion } from './object-version.ts'
import { SortedMap } from './sorted-map.ts'
import type { StoredBody } from './stored-body.ts'
import { SyntheticObjects, type SyntheticOptions } from './synthetic.ts'

export type Stored = ObjectVersion | SyntheticObjects

export interface Part {
  readonly number: number
  readonly etag: string
  readonly body: StoredBody
  readonly modified: number
  readonly checksum: string | null
}

export interface Upload {
  readonly id: string
  readonly key: Key
  /** Milliseconds; becomes the object's LastModified, as on AWS. */
  readonly initiated: number
  readonly headers: Readonly<Record<string, string>>
  readonly extra: Extra
  readonly checksum: { readonly name: ChecksumName; readonly type: ChecksumType } | null
  readonly parts: Map<number, Part>
}

export class Bucket {
  readonly name: string
  readonly created: number
  readonly lockable: boolean
  readonly objects = new SortedMap<Stored>()
  readonly uploads = new Map<string, Upload>()
  versioning: 'Enabled' | 'Suspended' | null
  /** Whether it takes no ACLs, as new buckets on AWS do not. */
  enforcesOwner = false
  /** Whether anybody may read it, without credentials. */
  isPublic = false
  /** Whether requests must say that whoever makes them pays. */
  requesterPays = false
  /** Lays no delete marker on top of another, as Ceph's gateway. */
  onlyOneMarker = false
  /** Told of each object that was put or deleted. */
  changed: (change: Change) => void = () => {}

  constructor(name: string, created: number, options: { lockable?: boolean; versioned?: boolean } = {}) {
    this.name = name
    this.created = created
    this.lockable = options.lockable ?? false
    this.versioning = this.lockable || options.versioned ? 'Enabled' : null
  }

  /** The newest version, which may be a delete marker. */
  top(key: Key): ObjectVersion | null {
    const stored = this.objects.get(key)
    return stored === undefined ? null : versionAt(key, stored)
  }

  /** The object as it is read: null where there is none or the newest is a delete marker. */
  current(key: Key): ObjectVersion | null {
    const top = this.top(key)
    return top?.body ? top : null
  }

  version(key: Key, versionId: string): ObjectVersion | null {
    for (let version = this.top(key); version; version = version.previous)
      if (version.versionId === versionId) return version
    return null
  }

  put(key: Key, draft: Draft): ObjectVersion {
    const version = this.#push(key, draft)
    const { size, etag } = version
    this.changed({ bucket: this.name, key, event: 'ObjectCreated:Put', size, etag, at: Date.now() })
    return version
  }

  /** Without a version: deletes, or lays a delete marker on top, and returns that. */
  delete(key: Key, now: number): ObjectVersion | null {
    if (this.onlyOneMarker && this.top(key)?.body === null) return null
    const isMarker = this.versioning !== null
    const event = `ObjectRemoved:${isMarker ? 'DeleteMarkerCreated' : 'Delete'}` as const
    const isThere = this.top(key) !== null
    const marker = isMarker ? this.#push(key, { deleted: now }) : null
    if (!isMarker) this.#drop(key, this.top(key))
    if (isThere || isMarker) this.changed({ bucket: this.name, key, event, at: now })
    return marker
  }

  /** Removes one version for good. */
  deleteVersion(key: Key, version: ObjectVersion): void {
    this.#drop(key, version)
    this.changed({ bucket: this.name, key, event: 'ObjectRemoved:Delete', at: Date.now() })
  }

  /** Keys whose bodies are made up as they are read (see synthetic.ts). */
  fill(keys: Iterable<Key>, options: SyntheticOptions): void {
    const objects = new SyntheticObjects(options)
    for (const key of keys) this.objects.set(key, objects)
  }

  upload(key: Key, id: string): Upload {
    const upload = this.uploads.get(id)
    if (upload?.key === key) return upload
    throw new S3Error('NoSuchUpload', undefined, { fields: { UploadId: id } })
  }

  #push(key: Key, draft: Draft | { deleted: number }): ObjectVersion {
    if (this.versioning === 'Enabled') {
      const version = new ObjectVersion(draft, randomBytes(16).toString('hex'), this.top(key))
      this.objects.set(key, version)
      return version
    }
    // Without versioning, or while it is suspended, the version `null` is replaced wherever it stands.
    this.#drop(key, this.version(key, 'null'))
    const version = new ObjectVersion(draft, 'null', this.top(key))
    this.objects.set(key, version)
    return version
  }

  #drop(key: Key, version: ObjectVersion | null): void {
    if (version === null) return
    const top = this.top(key)
    if (top === version || top?.versionId === version.versionId) {
      if (version.previous) this.objects.set(key, version.previous)
      else this.objects.delete(key)
    } else {
      for (let above = top; above; above = above.previous)
        if (above.previous === version) above.previous = version.previous
    }
    version.body?.discard()
  }
}

export const versionAt = (key: Key, stored: Stored): ObjectVersion =>
  stored instanceof SyntheticObjects ? stored.version(key) : stored

/** Whether a plain listing shows it. */
export const isVisible = (stored: Stored): boolean =>
  stored instanceof SyntheticObjects || stored.body !== null
