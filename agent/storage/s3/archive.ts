/** RestoreObject, and what a HEAD tells of an archived object. */
import { DrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import { isArchiveClass } from '../../core/archive-class.ts'
import type { Archive, Standing } from '../archive.ts'
import { ignore } from './body.ts'
import { escaped, type S3Client } from './client.ts'
import type { HttpResponse } from './http.ts'

export function openArchive(client: S3Client, whole: (key: Key, verb: string) => Key): Archive {
  const versionOf = (version: string | undefined) =>
    version === undefined ? '' : `versionId=${escaped(version)}`

  return {
    async standing({ key, version }, signal) {
      const request = { verb: 'HEAD', method: 'HEAD', key: whole(key, 'HEAD'), signal } as const
      try {
        const response = await client.send({ ...request, query: versionOf(version) })
        ignore(response.body)
        return standingOf(response)
      } catch (error) {
        if (error instanceof DrayError && error.code === 'not-found') return null
        throw error
      }
    },

    async restore({ key, version, storageClass }, { days, tier }, signal) {
      // A tiered object comes back for good.
      const kept = storageClass === 'INTELLIGENT_TIERING' ? '' : `<Days>${days}</Days>`
      const job = `<GlacierJobParameters><Tier>${tier}</Tier></GlacierJobParameters>`
      const body = `<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${kept}${job}</RestoreRequest>`
      const query = version === undefined ? 'restore=' : `restore=&${versionOf(version)}`
      const request = { verb: 'RESTORE', method: 'POST', key: whole(key, 'RESTORE'), query, signal } as const
      try {
        ignore((await client.send({ ...request, body: Buffer.from(body) })).body)
      } catch (error) {
        if (!(error instanceof DrayError) || error.code !== 'busy') throw error
      }
    },
  }
}

function standingOf({ head }: HttpResponse): Standing {
  const restore = head.get('x-amz-restore')
  if (restore !== undefined) return restore.includes('ongoing-request="true"') ? 'restoring' : 'readable'
  const isArchived =
    isArchiveClass(head.get('x-amz-storage-class')) || head.get('x-amz-archive-status') !== undefined
  return isArchived ? 'archived' : 'readable'
}
