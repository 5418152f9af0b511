/** Whether a destination has the metadata that it is to have. */
import type { Metadata } from '../storage/storage.ts'
import { differingProperties } from './same-properties.ts'

/** What stores say of an object that was given no content type. */
const defaults = new Set(['binary/octet-stream', 'application/octet-stream'])

/** `wanted`: as it would be carried there; `found`: as the destination has it, where it matters with its tags and ACL. */
export const isEqualBesides = (wanted: Metadata, found: Metadata): boolean =>
  isSameMetadata(wanted, found) && differingProperties(wanted.properties, found.properties).length === 0

/** Headers and user metadata alone. */
export const isSameMetadata = (wanted: Metadata, found: Metadata): boolean =>
  isSame(typed(wanted.headers), typed(found.headers)) && isSame(wanted.user, found.user)

function typed(headers: Metadata['headers']): Metadata['headers'] {
  const type = headers['content-type']
  if (type === undefined || !defaults.has(type)) return headers
  const { 'content-type': _, ...rest } = headers
  return rest
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
