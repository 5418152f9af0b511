/**
 * What requests and traffic cost at stores that many use, by their vendors' public price lists, for an estimate that people can correct: contracts,
 * regions, free allowances and other storage classes have other prices. Storage itself is in none of it.
 */
import * as z from 'zod'

const dollars = z.number().nonnegative().max(1_000_000)

/** In US dollars. */
export const pricesSchema = z.strictObject({
  name: z.string().max(100),
  /** Of a thousand requests that write: PUT, the parts of an upload, its begin and its end. */
  write: dollars,
  /** Of a thousand pages of a listing. */
  list: dollars,
  /** Of a thousand requests that read: GET, HEAD. */
  read: dollars,
  /** Of 10⁹ bytes that leave the store for another network. */
  egress: dollars,
  /** Year and month in which the list said so; null where there is no list. */
  asOf: z.string().nullable(),
  /** What to mind. */
  note: z.string().max(500),
})
export type Prices = z.infer<typeof pricesSchema>

const yours = 'The vendor’s public list price; yours may differ.'

export const priceLists = {
  aws: {
    name: 'Amazon S3 Standard, us-east-1',
    ...{ write: 0.005, list: 0.005, read: 0.0004, egress: 0.09, asOf: '2025-06' },
    note: `${yours} Egress is to the internet, in the first 10 TB of a month: nothing to agents in the same region, less between regions. Other regions and classes differ.`,
  },
  r2: {
    name: 'Cloudflare R2 Standard',
    ...{ write: 0.0045, list: 0.0045, read: 0.00036, egress: 0, asOf: '2026-08' },
    note: `${yours} Infrequent Access costs more, per byte that is read too.`,
  },
  b2: {
    name: 'Backblaze B2',
    ...{ write: 0, list: 0.004, read: 0.0004, egress: 0.01, asOf: '2025-06' },
    note: `${yours} Egress is free up to three times what is stored.`,
  },
  wasabi: {
    name: 'Wasabi',
    ...{ write: 0, list: 0, read: 0, egress: 0, asOf: '2025-06' },
    note: `${yours} Egress is free up to what is stored, by its policy; what is deleted early is paid for to its least duration.`,
  },
  own: {
    name: 'A store of your own (MinIO, Ceph and the like)',
    ...{ write: 0, list: 0, read: 0, egress: 0, asOf: null },
    note: 'Requests and traffic are taken to cost nothing.',
  },
} as const satisfies Record<string, Prices>

const hosts: readonly [RegExp, keyof typeof priceLists][] = [
  [/(^|\.)amazonaws\.com(\.cn)?$/, 'aws'],
  [/(^|\.)r2\.cloudflarestorage\.com$/, 'r2'],
  [/(^|\.)backblazeb2\.com$/, 'b2'],
  [/(^|\.)wasabisys\.com$/, 'wasabi'],
]

/** By the host of an endpoint; null: AWS itself. What nobody knows is a store of your own. */
export function pricesOf(endpoint: string | null): Prices {
  if (endpoint === null) return priceLists.aws
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : ''
  return priceLists[hosts.find(([pattern]) => pattern.test(host))?.[1] ?? 'own']
}
