/** How large the parts of a multipart upload are. */
export interface PartLimits {
  minPart: number
  maxPart: number
  maxParts: number
}

/** The part size that an object of `size` bytes in `parts` parts was most likely uploaded with; null where none fits. */
export function suggestPartSize(_size: number, _parts: number): number | null {
  throw new Error('not yet')
}

/** Ours: 16 MiB, and larger only where the object would need too many parts. */
export function defaultPartSize(_size: number, _limits: PartLimits): number {
  throw new Error('not yet')
}
