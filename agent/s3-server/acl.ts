/** Who may do what, as it is written and read: kept and told, and held against nobody. */
import { keyFromText } from '../../shared/key.ts'
import { S3Error } from './errors.ts'
import type { S3Request } from './request.ts'
import { element, nodesOf, textOf, wrap, type XmlNode, xmlDocument } from './xml.ts'

export interface Grant {
  readonly permission: string
  readonly by: 'id' | 'uri' | 'emailAddress'
  readonly who: string
}

/** The only account that there is. */
export const owner = 'dray'
const group = (name: string): Pick<Grant, 'by' | 'who'> => ({
  by: 'uri',
  who: `http://acs.amazonaws.com/groups/global/${name}`,
})
const own: Grant = { permission: 'FULL_CONTROL', by: 'id', who: owner }
const canned: Record<string, readonly Grant[]> = {
  private: [own],
  'bucket-owner-full-control': [own],
  'bucket-owner-read': [own],
  'public-read': [own, { ...group('AllUsers'), permission: 'READ' }],
  'public-read-write': [
    own,
    { ...group('AllUsers'), permission: 'READ' },
    { ...group('AllUsers'), permission: 'WRITE' },
  ],
  'authenticated-read': [own, { ...group('AuthenticatedUsers'), permission: 'READ' }],
}
const permissions = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP']

/** Null where the request says nothing of it. */
export function aclOf({ headers }: S3Request, enforced: boolean): readonly Grant[] | null {
  const name = headers.get('x-amz-acl')
  const grants = permissions.flatMap((permission) => {
    const text = headers.get(`x-amz-grant-${permission.toLowerCase().replace('_', '-')}`)
    return text === undefined ? [] : text.split(',').map((each) => granteeOf(permission, each))
  })
  if (name === undefined && grants.length === 0) return null
  if (enforced && name !== 'bucket-owner-full-control') throw new S3Error('AccessControlListNotSupported')
  if (name === undefined) return grants
  if (grants.length > 0)
    throw new S3Error('InvalidRequest', 'Specifying both Canned ACLs and Header Grants is not allowed')
  const found = canned[name]
  if (!found) throw new S3Error('InvalidArgument')
  return found
}

function granteeOf(permission: string, text: string): Grant {
  const [, by, who] = /^\s*(id|uri|emailAddress)="([^"]+)"\s*$/.exec(text) ?? []
  if (by === undefined || who === undefined)
    throw new S3Error('InvalidArgument', 'Argument format not recognized')
  return { permission, by: by as Grant['by'], who }
}

export function parseAcl(document: XmlNode): readonly Grant[] {
  const list = document.AccessControlList
  const grants = typeof list === 'object' && !Array.isArray(list) ? nodesOf(list, 'Grant') : []
  return grants.map((grant) => {
    const [grantee] = nodesOf(grant, 'Grantee')
    const permission = textOf(grant, 'Permission') ?? ''
    if (!grantee || !permissions.includes(permission)) throw new S3Error('MalformedXML')
    for (const [by, name] of [
      ['id', 'ID'],
      ['uri', 'URI'],
      ['emailAddress', 'EmailAddress'],
    ] as const) {
      const who = textOf(grantee, name)
      if (who !== null) return { permission, by, who: keyFromText(who) }
    }
    throw new S3Error('MalformedXML')
  })
}

const forms = {
  id: ['CanonicalUser', 'ID'],
  uri: ['Group', 'URI'],
  emailAddress: ['AmazonCustomerByEmail', 'EmailAddress'],
}

export function aclDocument(grants: readonly Grant[] = [own]): string {
  const list = grants.map(({ permission, by, who }) => {
    const [type, name] = forms[by] as [string, string]
    const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${element(name, who)}</Grantee>`
    return wrap('Grant', grantee + element('Permission', permission))
  })
  return xmlDocument(
    'AccessControlPolicy',
    wrap('Owner', element('ID', owner)) + wrap('AccessControlList', list.join('')),
  )
}
