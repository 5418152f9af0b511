/**
 * What is in a server, at hand without a request: for tests to prepare and to look, past everything that they test.
 * Names and keys are given as text here, since people write them.
 */
import { createHash } from 'node:crypto'
import { type Key, keyFromText } from '../../shared/key.ts'
import { Bucket, isVisible, versionAt } from './bucket.ts'
import type { World } from './exchange.ts'
import { extraOf } from './object-headers.ts'
import type { ObjectVersion } from './object-version.ts'
import { chunksOf, createBody } from './stored-body.ts'
import type { SyntheticOptions } from './synthetic.ts'

export interface FillOptions extends SyntheticOptions {
  readonly count: number
  /** The text of the key of each index; different for each, in any order (rising is fastest). */
  readonly key: (index: number) => string
}

export interface Content {
  readonly key: Key
  readonly size: number
  readonly etag: string
  /** Milliseconds. */
  readonly modified: number
  /** By lower-case name: content-type and the like, x-amz-meta-*. */
  readonly headers: Readonly<Record<string, string>>
  body(): Promise<Buffer>
}

export class Contents {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }

  /** With all that is in it. */
  removeBucket(name: string): void {
    this.#world.buckets.delete(name)
  }

  /** Where there is one of this name, it stays as it is. */
  createBucket(
    name: string,
    options: {
      versioned?: boolean
      lockable?: boolean
      enforcesOwner?: boolean
      isPublic?: boolean
      requesterPays?: boolean
      onlyOneMarker?: boolean
    } = {},
  ): void {
    if (this.#world.buckets.has(name)) return
    const bucket = new Bucket(name, this.#world.now(), options)
    bucket.changed = this.#world.changed
    bucket.enforcesOwner = options.enforcesOwner ?? false
    bucket.isPublic = options.isPublic ?? false
    bucket.requesterPays = options.requesterPays ?? false
    bucket.onlyOneMarker = options.onlyOneMarker ?? false
    this.#world.buckets.set(name, bucket)
  }

  /** Makes the bucket too. A body that is text is UTF-8. `parts`: as if it had been uploaded in parts of these many bytes. */
  async put(
    bucket: string,
    key: string,
    body: string | Uint8Array,
    options: { headers?: Record<string, string>; modified?: number; parts?: readonly number[] } = {},
  ): Promise<void> {
    const bytes = Buffer.from(body as Uint8Array)
    const writer = createBody(bytes.length, this.#world.dir)
    await writer.write(bytes)
    this.#bucket(bucket).put(keyFromText(key), {
      etag: options.parts ? etagOfParts(bytes, options.parts) : md5(bytes).toString('hex'),
      body: await writer.finish(),
      headers: { 'content-type': 'binary/octet-stream', ...options.headers },
      modified: options.modified ?? this.#world.now(),
      extra: extraOf({
        parts: options.parts?.map((size, i) => ({ number: i + 1, size, checksum: null })) ?? null,
      }),
    })
  }

  /** Makes the bucket too. The bodies are made up as they are read (see synthetic.ts). */
  fill(bucket: string, { count, key, ...options }: FillOptions): void {
    function* keys() {
      for (let i = 0; i < count; i++) yield keyFromText(key(i))
    }
    this.#bucket(bucket).fill(keys(), options)
  }

  /** Deletes as DeleteObject does. */
  delete(bucket: string, key: string): void {
    this.#bucket(bucket).delete(keyFromText(key), this.#world.now())
  }

  /** Every key's versions and delete markers, oldest first, in byte order of the keys. */
  *chains(bucket: string): Generator<[Key, { versionId: string; etag: string; isMarker: boolean }[]]> {
    for (const [key, stored] of this.#bucket(bucket).objects.from('' as Key)) {
      const versions: { versionId: string; etag: string; isMarker: boolean }[] = []
      for (let version: ObjectVersion | null = versionAt(key, stored); version; version = version.previous)
        versions.unshift({
          versionId: version.versionId,
          etag: version.etag,
          isMarker: version.body === null,
        })
      yield [key, versions]
    }
  }

  /** For good, as a lifecycle rule does; nothing where there is no such version. */
  removeVersion(bucket: string, key: string, versionId: string): void {
    const version = this.#bucket(bucket).version(keyFromText(key), versionId)
    if (version) this.#bucket(bucket).deleteVersion(keyFromText(key), version)
  }

  /** The current objects, in byte order of their keys. */
  *objects(bucket: string): Generator<Content> {
    const { objects } = this.#bucket(bucket)
    for (const [key, stored] of objects.from('' as Key))
      if (isVisible(stored)) yield contentOf(key, versionAt(key, stored))
  }

  object(bucket: string, key: string): Content | null {
    const version = this.#bucket(bucket).current(keyFromText(key))
    return version && contentOf(keyFromText(key), version)
  }

  /** What is being restored from an archive can be read from now on. */
  finishRestores(bucket: string): void {
    for (const [key, stored] of this.#bucket(bucket).objects.from('' as Key)) {
      for (let version: ObjectVersion | null = versionAt(key, stored); version; version = version.previous) {
        const restore = version.extra?.restore
        if (restore) restore.ready = Math.min(restore.ready, this.#world.now())
      }
    }
  }

  /** Uploads that nobody has completed or aborted. */
  uploads(bucket: string): { key: Key; id: string; parts: number }[] {
    return [...this.#bucket(bucket).uploads.values()].map(({ key, id, parts }) => ({
      key,
      id,
      parts: parts.size,
    }))
  }

  #bucket(name: string): Bucket {
    this.createBucket(name)
    return this.#world.buckets.get(name)!
  }
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

function etagOfParts(bytes: Buffer, parts: readonly number[]): string {
  let at = 0
  const md5s = parts.map((size) => {
    at += size
    return md5(bytes.subarray(at - size, at))
  })
  return `${md5(Buffer.concat(md5s)).toString('hex')}-${parts.length}`
}

function contentOf(key: Key, { size, etag, modified, headers, body }: ObjectVersion): Content {
  const read = async () => {
    const chunks: Buffer[] = []
    for await (const chunk of chunksOf(body!, 0, size - 1)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  return { key, size, etag, modified, headers, body: read }
}
