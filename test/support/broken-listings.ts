/** Listings of a source that break in their middle, and what --delete may make of them: nothing past the break. */
import { expect } from 'vitest'
import type { Fault, RequestInfo } from '../../agent/s3-server/faults.ts'
import { fromA, listsAfter, type Place, toB } from './place.ts'

export const objects = 3_000
/** Beside each hundredth object of the source, the destination has one more. */
export const key = (i: number) => `key-${String(i).padStart(5, '0')}`
export const extra = (i: number) => `${key(i)}-extra`
export const extras = Array.from({ length: objects / 100 }, (_, i) => extra(i * 100))
/** From here on the source's listing fails: in its second page. */
const breaksAt = key(1_000)

export async function prepare(place: Place, name: string): Promise<string[]> {
  const { a, b } = place
  a.fill(name, { count: objects, key, size: () => 10 })
  // The same objects, so that all there is to do is to delete.
  b.fill(name, { count: objects, key, size: () => 10 })
  for (const more of extras) await b.put(name, more, 'more')
  return [`s3://${name}`, `s3://${name}`, ...fromA, ...toB, '--delete']
}

export const keysOf = (server: Place['b'], bucket: string) =>
  [...server.objects(bucket)].map((object) => String(object.key))

export const isList = ({ operation }: RequestInfo) => operation === 'ListObjectsV2'
export const past = (info: RequestInfo) => isList(info) && (listsAfter(info) ?? '') >= breaksAt

type Break = (info: RequestInfo) => Fault | null

/** What never gets better: refused at once, so the pass ends by itself. */
export const lasting: Record<string, Break> = {
  denied: (info) => (past(info) ? { status: 403, code: 'AccessDenied' } : null),
  gone: (info) => (past(info) ? { status: 404, code: 'NoSuchBucket' } : null),
  backwards: (info) => (past(info) ? { listing: (found) => found.toReversed() } : null),
  outside: (info) =>
    past(info)
      ? { listing: (found) => found.map((o) => ({ ...o, key: `j${o.key}` as typeof o.key })) }
      : null,
  loops: (info) =>
    past(info)
      ? {
          document: (xml) =>
            xml
              .replace(/<IsTruncated>.*?</, '<IsTruncated>true<')
              .replace(
                /(<NextContinuationToken>.*<\/NextContinuationToken>)?(?=<KeyCount>)/,
                `<NextContinuationToken>${info.query.get('continuation-token') ?? '1'}</NextContinuationToken>`,
              ),
        }
      : null,
}
/** What may get better, and so is tried again for a while: the command is interrupted meanwhile. */
export const passing: Record<string, Break> = {
  drop: (info) => (past(info) ? 'drop' : null),
  cut: (info) => (past(info) ? { truncateAfter: 5_000 } : null),
  slow: (info) => (past(info) ? { status: 503, code: 'SlowDown' } : null),
  repeats: (info) => (past(info) ? { listing: (found) => [found[0]!, ...found] } : null),
  untold: (info) =>
    past(info)
      ? {
          document: (xml) =>
            xml
              .replace(/<IsTruncated>.*?</, '<IsTruncated>true<')
              .replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, ''),
        }
      : null,
}

/** The report and the destination agree, and only what lies before the break may be gone. */
function expectKept(place: Place, name: string): void {
  const left = keysOf(place.b, name)
  expect(left.filter((k) => k > breaksAt)).toEqual(
    [...Array.from({ length: objects }, (_, i) => key(i)), ...extras].filter((k) => k > breaksAt).sort(),
  )
  expect(left.filter((k) => !k.endsWith('extra'))).toHaveLength(objects)
}

/** Ends by itself, as incomplete. */
export async function endsIncomplete(place: Place, name: string): Promise<void> {
  const args = await prepare(place, name)
  breaks(place).set(name, lasting[name]!)
  const { status, result, stderr } = await place.dray(name, 'copy', ...args)
  expect({ name, status, state: result.state }).toEqual({ name, status: 1, state: 'incomplete' })
  expect(result.objects.listed, name).toBeLessThan(objects)
  expect(stderr).toContain('could not be worked on')
  expectKept(place, name)
}

/** Is tried again until it is interrupted; with the cause gone, the same command does all that is to be done. */
export async function isTriedAgain(place: Place, name: string): Promise<void> {
  const args = await prepare(place, name)
  const failing = Promise.withResolvers<void>()
  let failures = 0
  breaks(place).set(name, (info) => {
    const found = passing[name]!(info)
    // More than one attempt of a packet makes of one listing.
    if (found && ++failures === 7) failing.resolve()
    return found
  })
  const first = place.begin(name, 'copy', ...args)
  await Promise.race([failing.promise, first.ended])
  first.child.kill('SIGINT')
  const ended = await first.ended
  expect(ended.status, `${name}: ${ended.stdout} ${ended.stderr}`).toBe(130)
  expectKept(place, name)

  breaks(place).delete(name)
  const second = await place.dray(name, 'copy', ...args)
  expect(second.status, second.stderr).toBe(0)
  expect(second.result.objects).toMatchObject({ listed: objects, same: objects, copied: 0, failed: 0 })
  expect(keysOf(place.b, name)).toEqual(keysOf(place.a, name))
}

const broken = new WeakMap<Place, Map<string, Break>>()

/** By bucket. */
function breaks(place: Place): Map<string, Break> {
  const known = broken.get(place) ?? new Map<string, Break>()
  broken.set(place, known)
  place.a.hooks = { beforeRequest: (info) => known.get(info.bucket ?? '')?.(info) }
  return known
}
