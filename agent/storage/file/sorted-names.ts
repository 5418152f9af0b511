/**
 * Sorts more names than memory should hold: runs are sorted as they come, spilled to one file, and merged from there.
 * A name is a byte string without NUL; the order is that of the bytes.
 */
import { constants } from 'node:fs'
import { mkdir as makeDirectories } from 'node:fs/promises'
import { fileError } from './file-error.ts'
import { close, open, readFully, unlink, writeFully } from './syscalls.ts'

export interface SortedNames {
  /** How many it holds in memory. */
  readonly held: number
  /** The next of them in order; empty at the end. */
  next(): Promise<string[]>
  close(): Promise<void>
}

export interface SpillOptions {
  /** Most names that are sorted at once; no more are held, and nothing is spilled where there are no more. */
  runLength: number
  dir: string
}

/** Bytes that all runs together are read ahead while they are merged, and least and most of one of them. */
const mergeBytes = 4 << 20
const leastChunk = 4 << 10
const mostChunk = 64 << 10

export async function sortNames(
  names: AsyncIterable<string[]>,
  { runLength, dir }: SpillOptions,
): Promise<SortedNames> {
  let run: string[] = []
  let spill: Spill | null = null
  try {
    for await (const batch of names) {
      for (const name of batch) run.push(name)
      if (run.length < runLength) continue
      spill ??= await openSpill(dir)
      await spill.add(run.sort())
      run = []
    }
    run.sort()
    return spill ? merge(spill, run) : inMemory(run)
  } catch (error) {
    await spill?.close()
    throw error
  }
}

function inMemory(names: string[]): SortedNames {
  let rest = names
  return {
    held: names.length,
    async next() {
      const all = rest
      rest = []
      return all
    },
    async close() {},
  }
}

/** A sorted run: what of it is in memory, and what reads more. */
interface Run {
  names: string[]
  at: number
  /** Empty at its end. */
  more(): Promise<string[]>
}

interface Spill {
  add(run: string[]): Promise<void>
  runs(): Run[]
  close(): Promise<void>
}

let spillCount = 0

async function openSpill(dir: string): Promise<Spill> {
  const path = `${dir}/names-${process.pid}-${spillCount++}`
  const op = `spill names to ${dir}`
  const said = (error: unknown) => {
    throw fileError(error, op)
  }
  await makeDirectories(dir, { recursive: true }).catch(said)
  const fd = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600).catch(said)
  // Without a name already: however this process ends, nothing is left behind.
  await unlink(path).catch(said)
  const extents: { from: number; to: number }[] = []
  let end = 0

  function readRun({ from, to }: { from: number; to: number }, chunk: number): Run {
    let at = from
    return {
      names: [],
      at: 0,
      async more() {
        if (at === to) return []
        const buffer = Buffer.allocUnsafe(Math.min(chunk, to - at))
        const n = await readFully(fd, buffer, at).catch(said)
        const last = buffer.subarray(0, n).lastIndexOf(0)
        if (last < 0) throw fileError(new Error('A spilled run is damaged.'), op)
        at += last + 1
        return buffer.toString('latin1', 0, last).split('\0')
      },
    }
  }

  return {
    async add(run) {
      const bytes = Buffer.from(`${run.join('\0')}\0`, 'latin1')
      await writeFully(fd, [bytes], end).catch(said)
      extents.push({ from: end, to: end + bytes.length })
      end += bytes.length
    },
    runs() {
      const chunk = Math.min(mostChunk, Math.max(leastChunk, Math.floor(mergeBytes / extents.length)))
      return extents.map((extent) => readRun(extent, chunk))
    },
    close: () => close(fd),
  }
}

/** Takes, again and again, whatever in every run cannot be preceded by anything that is not in memory yet. */
function merge(spill: Spill, last: string[]): SortedNames {
  let runs: Run[] = [...spill.runs(), { names: last, at: 0, more: async () => [] }]
  return {
    held: last.length,
    async next() {
      await Promise.all(
        runs.map(async (run) => {
          if (run.at < run.names.length) return
          run.names = await run.more()
          run.at = 0
        }),
      )
      runs = runs.filter((run) => run.names.length > 0)
      if (runs.length === 0) return []
      const bound = runs.map((run) => run.names.at(-1)!).reduce((a, b) => (a < b ? a : b))
      const merged: string[] = []
      for (const run of runs)
        while (run.at < run.names.length && run.names[run.at]! <= bound) merged.push(run.names[run.at++]!)
      return merged.sort()
    },
    close: () => spill.close(),
  }
}
