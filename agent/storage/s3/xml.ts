/**
 * The real XML parser, for everything rare: refusals, and listings that the scanner does not know. It makes the tree;
 * character references are decoded here, since parsers drop those to control characters, which S3 allows in keys.
 */
import { XMLParser } from 'fast-xml-parser'

export interface Element {
  readonly name: string
  readonly children: readonly (Element | string)[]
}

type Node = { [name: string]: Node[] | string }

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
})
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The root of a well-formed document in UTF-8; null for anything else. */
export function parseXml(bytes: Uint8Array): Element | null {
  try {
    const nodes = parser.parse(utf8.decode(bytes), true) as Node[]
    const roots = nodes.flatMap((node) => {
      const [name, content] = Object.entries(node)[0]!
      if (name === '?xml' || (typeof content === 'string' && content.trim() === '')) return []
      return [typeof content === 'string' ? null : elementOf(name, content)]
    })
    return roots.length === 1 ? roots[0]! : null
  } catch {
    return null
  }
}

function elementOf(name: string, nodes: Node[]): Element {
  const children = nodes.map((node) => {
    const [child, content] = Object.entries(node)[0]!
    if (typeof content !== 'string') {
      return child === '#cdata' ? content.map((part) => part['#text']).join('') : elementOf(child, content)
    }
    const text = withoutEntities(content, (character) => character)
    if (text === null) throw new Error('an entity that is none')
    return text
  })
  return { name, children }
}

export const childrenOf = ({ children }: Element, name: string): Element[] =>
  children.filter((child) => typeof child !== 'string' && child.name === name) as Element[]

/** The text of the only child of that name; null where there is none or where it is no leaf. */
export function textOf(element: Element, name: string): string | null {
  const found = childrenOf(element, name)
  if (found.length !== 1 || found[0]!.children.some((child) => typeof child !== 'string')) return null
  return found[0]!.children.join('')
}

const named: Record<string, string | undefined> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Text with its references replaced by what `encode` makes of each character. Null for a reference to nothing. */
export function withoutEntities(text: string, encode: (character: string) => string): string | null {
  if (!text.includes('&')) return text
  let unknown = false
  const plain = text.replace(/&(?:(\w+)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));|&/g, (_, name, decimal, hex) => {
    if (name !== undefined && named[name] !== undefined) return named[name]
    const point = decimal !== undefined ? Number(decimal) : Number.parseInt(hex ?? '', 16)
    if (point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) return encode(String.fromCodePoint(point))
    unknown = true
    return ''
  })
  return unknown ? null : plain
}
