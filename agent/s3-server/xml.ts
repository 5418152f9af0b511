/**
 * XML out and in. Documents are written as byte strings (UTF-8, one code unit a byte), since keys are byte strings;
 * by hand, because a page of a listing is the hot path and because S3 writes control characters as references,
 * which no XML library will do. Requests are read by fast-xml-parser.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { S3Error } from './errors.ts'

const special = /[&<>"\x00-\x1f\x7f]/g
const hasSpecial = /[&<>"\x00-\x1f\x7f]/
const references: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export const escapeText = (bytes: string): string =>
  hasSpecial.test(bytes)
    ? bytes.replace(special, (c) => references[c] ?? `&#x${c.charCodeAt(0).toString(16)};`)
    : bytes

export const element = (name: string, bytes: string | number): string =>
  `<${name}>${typeof bytes === 'number' ? bytes : escapeText(bytes)}</${name}>`

/** Within quotes, which are written as references. */
export const etagElement = (etag: string): string => `<ETag>&quot;${etag}&quot;</ETag>`

/** The element where there is something to say. */
export const optional = (name: string, bytes: string | number | null | undefined): string =>
  bytes === null || bytes === undefined || bytes === '' ? '' : element(name, bytes)

export const wrap = (name: string, inner: string): string => `<${name}>${inner}</${name}>`

export const xmlDocument = (name: string, inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${name}>`

/** As encoding-type=url has it: S3 writes a space as `+`, and leaves `/` and `*` alone. */
export const urlEncode = (bytes: string): string =>
  bytes.replace(/[^A-Za-z0-9\-._*/]/g, (c) =>
    c === ' ' ? '+' : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )

const lists = new Set(['Part', 'Object', 'Tag', 'Grant', 'Grantee'])
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  isArray: (name) => lists.has(name),
})

export type XmlNode = { readonly [name: string]: string | XmlNode | XmlNode[] | undefined }

/** The root element called `root` of a request's body. */
export function parseXml(body: Buffer, root: string): XmlNode {
  const text = body.toString('utf8')
  // The characters that XML 1.0 has no place for, which the validator lets pass and S3 does not.
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd]/.test(text) || XMLValidator.validate(text) !== true)
    throw new S3Error('MalformedXML')
  const node: XmlNode | string | undefined = parser.parse(text)[root]
  if (node === undefined) throw new S3Error('MalformedXML')
  return typeof node === 'string' ? {} : node
}

export function textOf(node: XmlNode, name: string): string | null {
  const value = node[name]
  return typeof value === 'string' ? value : null
}

export function nodesOf(node: XmlNode, name: string): XmlNode[] {
  const value = node[name]
  return Array.isArray(value) ? value.filter((each) => typeof each === 'object') : []
}
