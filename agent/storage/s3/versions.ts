/** What S3 knows of versions: whether a bucket keeps them, all of them in order, and delete markers. */
import { DrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import type { Head } from '../storage.ts'
import type { Versions } from '../versions.ts'
import { collect, ignore, smallBody } from './body.ts'
import { escaped, type S3Client } from './client.ts'
import { malformed } from './errors.ts'
import type { HttpResponse } from './http.ts'
import { listVersions } from './list-versions.ts'
import { parseXml, textOf } from './xml.ts'

/** The query that asks for one version, escaped. */
export const versionQuery = (version: string | undefined): string =>
  version === undefined ? '' : `versionId=${escaped(version)}`

/** What was found, as the version that was asked for; a string says what came instead. */
export function ofVersion(
  found: Head,
  { headers }: Pick<HttpResponse, 'headers'>,
  version: string | undefined,
): Head | string {
  if (version === undefined) return found
  // Where versioning was never on, none is told, and the only one is `null`.
  if ((headers['x-amz-version-id'] ?? 'null') !== version) return 'another version than was asked for'
  return { ...found, entry: { ...found.entry, version } }
}

/** `whole` gives the key as the bucket has it, or throws where it cannot have it. */
export function openVersions(
  client: S3Client,
  prefix: Key,
  whole: (key: Key, verb: string) => Key,
): Versions {
  return {
    async state(signal) {
      const request = {
        verb: 'GET-VERSIONING',
        method: 'GET',
        key: null,
        query: 'versioning=',
        signal,
      } as const
      const response = await client.send(request)
      const root = parseXml(await collect(response.body, smallBody))
      if (root?.name !== 'VersioningConfiguration')
        throw malformed(client.where(request), 'no versioning state')
      const status = textOf(root, 'Status')?.trim()
      return status === 'Enabled' ? 'enabled' : status === 'Suspended' ? 'suspended' : 'off'
    },

    list: (range, signal) => listVersions(client, prefix, range, signal),

    async remove(key, signal) {
      const place = whole(key, 'DELETE')
      const request = { verb: 'DELETE', method: 'DELETE', key: place, signal, once: true } as const
      const response = await client.send(request)
      ignore(response.body)
      // Without versioning, the object itself would be gone now, and nothing would say so.
      if (response.headers['x-amz-delete-marker'] !== 'true') {
        const { op } = client.where(request)
        throw new DrayError(
          'config',
          op,
          `The bucket made no delete marker (${op}): versioning was turned off, or it lays none on top of another.`,
          {
            hint: 'Versioning of the destination bucket must be enabled, and stay so.',
          },
        )
      }
    },
  }
}
