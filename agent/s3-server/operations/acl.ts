/** The ACL of an object, and that of a bucket, which is always its owner's alone. */
import { aclDocument, aclOf, parseAcl } from '../acl.ts'
import { receiveBytes } from '../body.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, objectOf, type Reply, xmlReply } from '../exchange.ts'
import { parseXml } from '../xml.ts'
import { changeable } from './object-settings.ts'

export function getBucketAcl(exchange: Exchange): Reply {
  bucketOf(exchange)
  return xmlReply(aclDocument())
}

export function getObjectAcl(exchange: Exchange): Reply {
  return xmlReply(aclDocument(objectOf(exchange).extra?.acl))
}

export async function putObjectAcl(exchange: Exchange): Promise<Reply> {
  const { enforcesOwner } = bucketOf(exchange)
  const body = await receiveBytes(exchange)
  const given = aclOf(exchange.request, enforcesOwner)
  if (enforcesOwner && body.length > 0) throw new S3Error('AccessControlListNotSupported')
  const version = changeable(exchange)
  version.extra = { ...version.extra, acl: given ?? parseAcl(parseXml(body, 'AccessControlPolicy')) }
  return { status: 200 }
}
