/**
 * Who may do what with an object. The owner's own rights are left out on the way in: at the destination it is another
 * account's. What has a short name (`public-read`) goes by it, since that needs no account's id.
 */
import type { Key } from '../../../shared/key.ts'
import type { Acl, Grant } from '../properties.ts'
import { awsSdk } from './aws-sdk.ts'
import type { Control } from './control.ts'

const groups = 'http://acs.amazonaws.com/groups/global/'
const everybody: Grant = { permission: 'READ', by: 'uri', who: `${groups}AllUsers` }
const names: readonly [string, readonly Grant[]][] = [
  ['public-read', [everybody]],
  ['public-read-write', [everybody, { ...everybody, permission: 'WRITE' }]],
  ['authenticated-read', [{ ...everybody, who: `${groups}AuthenticatedUsers` }]],
]

const worded = (grants: readonly Grant[]) =>
  grants
    .map(({ permission, who }) => `${permission} ${who}`)
    .sort()
    .join('\n')

/** S3's short name for it, or null. */
export const canned = ({ grants }: Acl): string | null =>
  names.find(([, its]) => worded(its) === worded(grants))?.[0] ?? null

export interface Acls {
  /** Undefined where only the owner has rights. `key`: the whole one. */
  of(key: Key, version: string | undefined, signal: AbortSignal): Promise<Acl | undefined>
  /** Grants that have no short name; the owner of the bucket is asked for once, and keeps all rights. */
  headersOf(acl: Acl, signal: AbortSignal): Promise<Record<string, string>>
}

export function openAcls(control: Control): Acls {
  const name = { Bucket: '-', Key: '-' }
  let owner: Promise<string | undefined> | null = null

  async function askOwner(signal: AbortSignal): Promise<string | undefined> {
    const request = { verb: 'GET-ACL', key: null, signal }
    const { Owner } = await control.run(request, (sdk, options) =>
      sdk.send(new (awsSdk().GetBucketAclCommand)({ Bucket: '-' }), options),
    )
    return Owner?.ID
  }

  return {
    async of(key, version, signal) {
      const which = version === undefined ? name : { ...name, VersionId: version }
      const { Owner, Grants = [] } = await control.run({ verb: 'GET-ACL', key, signal }, (sdk, options) =>
        sdk.send(new (awsSdk().GetObjectAclCommand)(which), options),
      )
      const grants = Grants.flatMap(({ Grantee, Permission }): Grant[] => {
        const { ID, URI, EmailAddress } = Grantee ?? {}
        if (!Permission || (ID !== undefined && ID === Owner?.ID)) return []
        const permission = Permission as Grant['permission']
        if (ID !== undefined) return [{ permission, by: 'id', who: ID }]
        if (URI !== undefined) return [{ permission, by: 'uri', who: URI }]
        return EmailAddress === undefined ? [] : [{ permission, by: 'emailAddress', who: EmailAddress }]
      })
      return grants.length === 0 ? undefined : { grants }
    },

    async headersOf(acl, signal) {
      owner ??= askOwner(signal).catch((error) => {
        owner = null
        throw error
      })
      const id = await owner
      const own: Grant[] = id === undefined ? [] : [{ permission: 'FULL_CONTROL', by: 'id', who: id }]
      const headers: Record<string, string> = {}
      for (const { permission, by, who } of [...own, ...acl.grants]) {
        const header = `x-amz-grant-${permission.toLowerCase().replace('_', '-')}`
        const grantee = `${by}="${who}"`
        headers[header] = headers[header] === undefined ? grantee : `${headers[header]}, ${grantee}`
      }
      return headers
    },
  }
}
