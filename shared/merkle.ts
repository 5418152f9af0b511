/**
 * The root of a list of texts, as RFC 6962 has it: SHA-256 over 0x00 and a leaf, and over 0x01 and two nodes, so that no leaf can pass for a node.
 * Held at a time is one node for each power of two in the number of leaves, whatever that is.
 */
const encoder = new TextEncoder()

interface Node {
  readonly hash: Uint8Array
  /** How many leaves are below it: a power of two. */
  readonly leaves: number
}

export class Merkle {
  readonly #nodes: Node[] = []
  #leaves = 0

  get leaves(): number {
    return this.#leaves
  }

  /** One at a time, in their order. */
  async add(leaf: string): Promise<void> {
    let hash = await hashOf(0, encoder.encode(leaf))
    let leaves = 1
    for (let left = this.#nodes.at(-1); left?.leaves === leaves; left = this.#nodes.at(-1)) {
      this.#nodes.pop()
      hash = await hashOf(1, left.hash, hash)
      leaves *= 2
    }
    this.#nodes.push({ hash, leaves })
    this.#leaves++
  }

  /** In hexadecimal digits. */
  async root(): Promise<string> {
    let [root, ...left] = this.#nodes.map(({ hash }) => hash).reverse()
    root ??= new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array()))
    for (const hash of left) root = await hashOf(1, hash, root)
    return [...root].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

async function hashOf(prefix: 0 | 1, ...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 1))
  bytes[0] = prefix
  let at = 1
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}
