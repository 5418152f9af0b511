/**
 * Sorts more lines than memory should hold: runs are sorted as they come, spilled to one file, and merged from there.
 * A line is a byte string without NUL: a name, or a record that begins with its key. The order is that of the bytes.
 */
import { constants } from 'node:fs'
import { mkdir as makeDirectories } from 'node:fs/promises'
import { fileError } from './file/file-error.ts'
import { close, open, readFully, unlink, writeFully } from './file/syscalls.ts'

export interface SortedLines {
  /** How many it holds in memory. */
  readonly held: number
  /** The next of them in order; empty at the end. */
  next(): Promise<string[]>
  close(): Promise<void>
}

export interface SpillOptions {
  /** Most lines that are sorted at once; no more are held, and nothing is spilled where there are no more. */
  runLength: number
  /** Most bytes of them, for lines that may be long. */
  runBytes?: number
  dir: string
}

/** Bytes that all runs together are read ahead while they are merged, and least and most of one of them. */
const mergeBytes = 4 << 20
const leastChunk = 4 << 10
const mostChunk = 64 << 10
/** Lines that are written at once: a run is not in memory twice, and no string of theirs so large that V8 keeps it apart. */
const writeLines = 512

export async function sortLines(
  lines: AsyncIterable<string[]>,
  { runLength, runBytes = Number.POSITIVE_INFINITY, dir }: SpillOptions,
): Promise<SortedLines> {
  let run: string[] = []
  let bytes = 0
  let spill: Spill | null = null
  try {
    for await (const batch of lines) {
      for (const line of batch) {
        run.push(line)
        bytes += line.length
      }
      if (run.length < runLength && bytes < runBytes) continue
      spill ??= await openSpill(dir)
      await spill.add(run.sort())
      run = []
      bytes = 0
    }
    run.sort()
    return spill ? merge(spill, run) : inMemory(run)
  } catch (error) {
    await spill?.close()
    throw error
  }
}

function inMemory(lines: string[]): SortedLines {
  let rest = lines
  return {
    held: lines.length,
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
  lines: string[]
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
  const path = `${dir}/run-${process.pid}-${spillCount++}`
  const op = `sort in ${dir}`
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
    // Used again and again: what is thrown away outside V8's heap is not missed for long.
    let buffer = Buffer.allocUnsafeSlow(Math.min(chunk, to - from))
    return {
      lines: [],
      at: 0,
      async more() {
        for (;;) {
          if (at === to) return []
          const n = await readFully(fd, buffer.subarray(0, to - at), at).catch(said)
          const last = buffer.subarray(0, n).lastIndexOf(0)
          if (last >= 0) {
            at += last + 1
            return buffer.toString('latin1', 0, last).split('\0')
          }
          if (n < buffer.length) throw fileError(new Error('A spilled run is damaged.'), op)
          // A line that is longer than all that is read at once.
          buffer = Buffer.allocUnsafeSlow(2 * buffer.length)
        }
      },
    }
  }

  return {
    async add(run) {
      const from = end
      for (let i = 0; i < run.length; i += writeLines) {
        const bytes = Buffer.from(`${run.slice(i, i + writeLines).join('\0')}\0`, 'latin1')
        await writeFully(fd, [bytes], end).catch(said)
        end += bytes.length
      }
      extents.push({ from, to: end })
    },
    runs() {
      const chunk = Math.min(mostChunk, Math.max(leastChunk, Math.floor(mergeBytes / extents.length)))
      return extents.map((extent) => readRun(extent, chunk))
    },
    close: () => close(fd),
  }
}

/** Takes, again and again, whatever in every run cannot be preceded by anything that is not in memory yet. */
function merge(spill: Spill, last: string[]): SortedLines {
  let runs: Run[] = [...spill.runs(), { lines: last, at: 0, more: async () => [] }]
  return {
    held: last.length,
    async next() {
      await Promise.all(
        runs.map(async (run) => {
          if (run.at < run.lines.length) return
          run.lines = await run.more()
          run.at = 0
        }),
      )
      runs = runs.filter((run) => run.lines.length > 0)
      if (runs.length === 0) return []
      const bound = runs.map((run) => run.lines.at(-1)!).reduce((a, b) => (a < b ? a : b))
      const merged: string[] = []
      for (const run of runs)
        while (run.at < run.lines.length && run.lines[run.at]! <= bound) merged.push(run.lines[run.at++]!)
      return merged.sort()
    },
    close: () => spill.close(),
  }
}
