/** A listing of one side, by the application's names: pages are fetched as somebody gets that far. */
import { type Key, keyFromText } from '../../shared/key.ts'
import { keyOf } from '../storage/s3/listing-page.ts'
import { childrenOf, type Element, parseXml, textOf } from '../storage/s3/xml.ts'
import { handedBack } from './headers.ts'
import type { Side } from './side.ts'
import type { Answer } from './world.ts'
import { tryAgain } from './writing.ts'

export interface ListedItem {
  /** Of an object, or of all that begin with it up to a delimiter. */
  readonly name: Key
  /** Its line; null for a common prefix. */
  readonly contents: Element | null
}

export interface SideWalk {
  readonly prefix: string
  readonly delimiter: string
  /** Exclusive; empty: from the start. */
  readonly after: string
  /** Of a page. */
  readonly most: number
  readonly owner: boolean
  readonly signal: AbortSignal
}

/** The side refuses to list; the application is told so in the side's own words. */
export class ListingRefused extends Error {
  readonly answer: Answer
  constructor(answer: Answer) {
    super('the listing was refused')
    this.answer = answer
  }
}

export class SideListing {
  readonly side: Side
  readonly #walk: SideWalk
  #items: ListedItem[] = []
  #at = 0
  #last: string
  #token: string | null = null
  #begun = false

  constructor(side: Side, walk: SideWalk) {
    this.side = side
    this.#walk = walk
    this.#last = walk.after
  }

  /** The next one, which stays the next until `skip`; null at the end. */
  async head(): Promise<ListedItem | null> {
    while (this.#at >= this.#items.length && this.mayHaveMore) await this.#fetch()
    return this.#items[this.#at] ?? null
  }

  skip(): void {
    this.#at++
  }

  /** Whether there are, or may be, others; without asking for them. */
  get mayHaveMore(): boolean {
    return this.#at < this.#items.length || !this.#begun || this.#token !== null
  }

  async #fetch(): Promise<void> {
    const { prefix, delimiter, after, most, owner, signal } = this.#walk
    const { side } = this
    const query: Record<string, string> = {
      'list-type': '2',
      'encoding-type': 'url',
      'max-keys': String(most),
      prefix: side.prefix + prefix,
    }
    if (delimiter !== '') query.delimiter = delimiter
    if (owner) query['fetch-owner'] = 'true'
    if (this.#token !== null) query['continuation-token'] = this.#token
    else if (after !== '') query['start-after'] = side.prefix + after
    const response = await side.ask({ method: 'GET', key: null, query, signal }).catch(() => {
      throw tryAgain()
    })
    const { status, head, body } = response
    if (status >= 300) throw new ListingRefused({ status, headers: handedBack(head, true), body })
    const root = parseXml(body)
    if (root?.name !== 'ListBucketResult') throw tryAgain()
    this.#begun = true
    const next = textOf(root, 'IsTruncated')?.trim() === 'true' ? textOf(root, 'NextContinuationToken') : null
    if (next && keyFromText(next) === this.#token) throw tryAgain()
    this.#token = next ? keyFromText(next) : null
    this.#items = this.#read(root)
    this.#at = 0
  }

  /** In their order; what came before is left out, as some stores repeat a common prefix. */
  #read(root: Element): ListedItem[] {
    const encoding = textOf(root, 'EncodingType')
    const items: ListedItem[] = []
    const add = (element: Element, field: string, contents: Element | null) => {
      const whole = keyOf(textOf(element, field) ?? '', encoding)
      if (whole === null || !whole.startsWith(this.side.prefix)) throw tryAgain()
      const name = whole.slice(this.side.prefix.length) as Key
      if (name > this.#last && name !== '') items.push({ name, contents })
    }
    for (const element of childrenOf(root, 'Contents')) add(element, 'Key', element)
    for (const element of childrenOf(root, 'CommonPrefixes')) add(element, 'Prefix', null)
    items.sort((a, b) => (a.name < b.name ? -1 : 1))
    this.#last = items.at(-1)?.name ?? this.#last
    return items
  }
}
