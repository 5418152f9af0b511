/**
 * `node test/bench/mapped.ts [KEYS]`: what it costs to map so many keys into another order. A source that only lists is mapped by a pattern
 * and a digest, which leaves nothing of its order; the listing is sorted, read once from end to end, and then by key. Prints time,
 * CPU, disk and peak resident memory; where Node's own start is 45 MiB.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileFilter } from '../../agent/core/filter.ts'
import { listedRecords } from '../../agent/mapping/listed.ts'
import { compileMapping } from '../../agent/mapping/map-keys.ts'
import { sortedStorage } from '../../agent/mapping/sorted-storage.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import type { Entry, Storage } from '../../agent/storage/storage.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { noFilter } from '../../shared/policy.ts'
import { everything } from '../../shared/range.ts'

const keys = Number(process.argv[2] ?? 1_000_000)
const lookups = 100_000
const { signal } = new AbortController()
const spillDir = mkdtempSync(join(tmpdir(), 'dray-mapped-'))

const keyOf = (i: number) => keyFromText(`attachments/${String(i).padStart(9, '0')}/report of the month.pdf`)

/** A key that was cut from a page would keep all of it in memory. */
const copyOf = (key: Key) => Buffer.from(key, 'latin1').toString('latin1') as Key

function source(): Storage {
  return {
    ...memoryStorage(),
    async *list() {
      for (let from = 0; from < keys; from += 1_000) {
        const page: Entry[] = []
        for (let i = from; i < Math.min(from + 1_000, keys); i++) {
          const token = `9e107d9d372bb6826bd81d3542a4${String(i % 10_000).padStart(4, '0')}`
          page.push({ key: keyOf(i), kind: 'object', size: i, mtime: 1_800_000_000_000_000 + i, token })
        }
        yield page
        await new Promise(setImmediate)
      }
    },
  }
}

let began = performance.now()
let cpu = process.cpuUsage()
function lap(what: string): void {
  const { user, system } = process.cpuUsage(cpu)
  const wall = (performance.now() - began) / 1000
  const peak = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(
    `${what.padEnd(28)} ${wall.toFixed(1)} s, CPU ${((user + system) / 1e6).toFixed(1)} s, peak ${peak} MiB`,
  )
  began = performance.now()
  cpu = process.cpuUsage()
}

try {
  const map = compileMapping({
    kind: 'template',
    pattern: 'attachments/(?<id>\\d+)/(?<name>.+)',
    to: 'att/{id:md5[0:2]}/{id}/{name}',
    unmatched: 'fail',
  })
  const storage = sortedStorage(source(), {
    records: (within) => listedRecords(source(), map, compileFilter(noFilter), within),
    spillDir,
  })
  console.log(`${keys.toLocaleString('en')} keys`)
  for await (const page of source().list(everything, { signal })) if (page.length < 0) break
  lap('the source alone')
  const pages = storage.list(everything, { signal })[Symbol.asyncIterator]()
  let page = await pages.next()
  lap('listed, mapped and sorted')
  let seen = 0
  let last = '' as Key
  const sample: Key[] = []
  for (; !page.done; page = await pages.next()) {
    for (const { key } of page.value) {
      if (key <= last) throw new Error('The listing does not rise.')
      last = key
      if (seen++ % Math.ceil(keys / lookups) === 0) sample.push(copyOf(key))
    }
  }
  if (seen !== keys) throw new Error(`${seen} of ${keys} keys came out.`)
  lap('read from end to end')
  for (let i = 0; i < sample.length; i += 1_000) {
    const range = { after: sample[i]!, through: sample[Math.min(i + 10, sample.length - 1)]! }
    for await (const part of storage.list(range, { signal })) if (part.length === 0) break
  }
  lap('ranges')
  for (const key of sample) await storage.head(key, signal)
  lap(`${sample.length.toLocaleString('en')} keys looked up`)
  await storage.close()
  if (readdirSync(spillDir).length > 0) throw new Error('Something was left behind.')
} finally {
  rmSync(spillDir, { recursive: true })
}
