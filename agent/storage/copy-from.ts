/** Copies that a store makes by itself, from one of its locations into another: no byte goes through the agent. */
import type { Key } from '../../shared/key.ts'
import type { ByteRange, Expected, Metadata, Part, Written } from './storage.ts'

/** Where a location is, for another location of the same store. */
export interface Place {
  /** Equal for two locations of one store that are opened with one set of rights. */
  readonly store: string
  readonly bucket: string
  readonly prefix: Key
  readonly requesterPays?: true
}

/** What is to be copied: exactly this content, or `changed`. */
export interface Origin {
  readonly place: Place
  /** Relative to the place. */
  readonly key: Key
  readonly token: string
  readonly version?: string
}

export interface CopyFrom {
  /** Bytes of the largest object that goes in one piece. */
  readonly most: number
  /**
   * The destination gets exactly `metadata`. Throws `changed` where the origin, or what is `expected` here, is another now; `not-found`
   * where the origin is gone.
   */
  whole(
    origin: Origin,
    key: Key,
    metadata: Metadata,
    signal: AbortSignal,
    expected?: Expected,
  ): Promise<Written>
  /** As part `number` of an upload. */
  part(
    origin: Origin,
    range: ByteRange,
    key: Key,
    upload: string,
    number: number,
    signal: AbortSignal,
  ): Promise<Part>
}
