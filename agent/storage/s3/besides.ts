/** What an object is besides its bytes and headers, where that takes requests of its own: tags, ACL, and locks without a digest. */
import { DrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import type { Properties, Tag } from '../properties.ts'
import type { Body, Storage, Written } from '../storage.ts'
import { canned, openAcls } from './acl.ts'
import { awsSdk } from './aws-sdk.ts'
import type { S3Client } from './client.ts'
import { type Control, openControl } from './control.ts'
import { headersOfLock } from './properties.ts'

/** A store that knows no ACLs has none to tell of. */
function noneWhereUnknown(error: unknown): undefined {
  if (!(error instanceof DrayError) || error.code !== 'not-implemented') throw error
}

const longestAnswer = 64 * 1024
/** A key that nothing has, to ask about. */
const nobodys = '.dray-has-no-such-object' as Key

type Headers = Readonly<Record<string, string>>

export interface Besides {
  readonly describe: NonNullable<Storage['describe']>
  readonly holds: NonNullable<Storage['holds']>
  readonly amend: NonNullable<Storage['amend']>
  /** Headers that an object of these properties needs and only a request can tell. */
  grants(properties: Properties, signal: AbortSignal): Promise<Headers>
  /** `put` with the headers that it needs besides. A lock without a digest, which S3 refuses, is put on afterwards. */
  write(
    key: Key,
    properties: Properties,
    body: Body,
    put: (more: Headers) => Promise<Written>,
    signal: AbortSignal,
  ): Promise<Written>
}

export function openBesides(client: S3Client, whole: (key: Key, verb: string) => Key): Besides {
  // Few objects need it, and it takes a while to make.
  let made: Control | null = null
  const control: Control = {
    run: (request, call) => {
      made ??= openControl(client)
      return made.run(request, call)
    },
  }
  const acls = openAcls(control)
  // The key that goes over the wire is the request's; the SDK only insists on having one.
  const name = { Bucket: '-', Key: '-' }

  async function tagsOf(key: Key, version: string | undefined, signal: AbortSignal): Promise<Tag[]> {
    const which = version === undefined ? name : { ...name, VersionId: version }
    const { TagSet = [] } = await control.run({ verb: 'GET-TAGS', key, signal }, (sdk, options) =>
      sdk.send(new (awsSdk().GetObjectTaggingCommand)(which), options),
    )
    return TagSet.map(({ Key: tag = '', Value = '' }) => ({ name: tag, value: Value }))
  }

  const amend: Besides['amend'] = async (key, { tags, retention, legalHold }, signal) => {
    const request = { verb: 'PUT-LOCK', key: whole(key, 'PUT-LOCK'), signal }
    if (tags) {
      const TagSet = tags.map(({ name: tag, value }) => ({ Key: tag, Value: value }))
      const command = new (awsSdk().PutObjectTaggingCommand)({ ...name, Tagging: { TagSet } })
      await control.run({ ...request, verb: 'PUT-TAGS' }, (sdk, options) => sdk.send(command, options))
    }
    if (retention) {
      const Retention = { Mode: retention.mode, RetainUntilDate: new Date(retention.until) }
      const command = new (awsSdk().PutObjectRetentionCommand)({ ...name, Retention })
      await control.run(request, (sdk, options) => sdk.send(command, options))
    }
    if (legalHold) {
      const command = new (awsSdk().PutObjectLegalHoldCommand)({ ...name, LegalHold: { Status: 'ON' } })
      await control.run(request, (sdk, options) => sdk.send(command, options))
    }
  }

  const grants: Besides['grants'] = async ({ acl }, signal) =>
    acl && canned(acl) === null ? acls.headersOf(acl, signal) : {}

  /** Whether there is an answer; `absent`: what it means that there is no such thing. Null where the question was not answered. */
  async function asks(question: Promise<unknown>, absent: boolean): Promise<boolean | null> {
    try {
      await question
      return true
    } catch (error) {
      if (!(error instanceof DrayError) || error.code === 'interrupted') throw error
      if (error.code === 'not-found') return absent
      return error.code === 'invalid-request' || error.code === 'not-implemented' ? false : null
    }
  }

  return {
    amend,

    // Whether there is an answer is all that matters: no need of the SDK.
    async holds(signal) {
      const get = (verb: string, key: Key | null, query: string) =>
        client.whole({ verb, method: 'GET', key, query, signal }, longestAnswer)
      const [tags, objectLock] = await Promise.all([
        // The object is not there, but the question was understood.
        asks(get('GET-TAGS', whole(nobodys, 'GET'), 'tagging='), true),
        asks(get('GET-LOCK', null, 'object-lock='), false),
      ])
      return { tags, objectLock }
    },

    grants,

    async describe({ entry, metadata }, wanted, signal) {
      const { properties } = metadata
      const hasTags = wanted.tags && (properties?.tagCount ?? 0) > 0
      if (!hasTags && !wanted.acl) return metadata
      const key = whole(entry.key, 'GET')
      try {
        const [tags, acl] = await Promise.all([
          hasTags ? tagsOf(key, entry.version, signal) : undefined,
          wanted.acl ? acls.of(key, entry.version, signal).catch(noneWhereUnknown) : undefined,
        ])
        if (!tags && !acl) return metadata
        return { ...metadata, properties: { ...properties, ...(tags && { tags }), ...(acl && { acl }) } }
      } catch (error) {
        if (!(error instanceof DrayError) || error.code !== 'not-found') throw error
        throw new DrayError('changed', error.op, 'The object went while it was asked for its tags.', {
          retry: 'later',
          cause: error,
        })
      }
    },

    async write(key, properties, body, put, signal) {
      const more = await grants(properties, signal)
      const isLocked = properties.retention !== undefined || properties.legalHold === true
      if (!isLocked) return put(more)
      const hasDigest = body.contentMd5 !== undefined || properties.checksum !== undefined
      if (hasDigest) return put({ ...more, ...headersOfLock(properties) })
      const written = await put(more)
      const { tags: _, ...lock } = properties
      await amend(key, lock, signal)
      return written
    },
  }
}
