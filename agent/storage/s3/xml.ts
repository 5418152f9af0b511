/** The real XML parser, for everything rare: refusals, and listings that the scanner does not know. Null for no XML. */
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
  processEntities: true,
  // Only so are character references decoded, in one pass with the others.
  htmlEntities: true,
})
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The root of a well-formed document in UTF-8. */
export function parseXml(bytes: Uint8Array): Element | null {
  try {
    const nodes = parser.parse(utf8.decode(bytes), true) as Node[]
    for (const node of nodes) {
      const name = Object.keys(node)[0]!
      if (name !== '?xml' && name !== '#text') return elementOf(name, node[name] as Node[])
    }
    return null
  } catch {
    return null
  }
}

function elementOf(name: string, nodes: Node[]): Element {
  const children = nodes.map((node) => {
    const child = Object.keys(node)[0]!
    const content = node[child]!
    return typeof content === 'string' ? content : elementOf(child, content)
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
