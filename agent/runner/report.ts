/**
 * A packet's report: one line for every failure and every change, as gzip NDJSON in a file under the state directory, so
 * that it is never in memory as a whole. It is uploaded before the packet's outcome is told, and then forgotten here.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip, type Gzip } from 'node:zlib'
import type { ReportLine } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import type { Pass, ReportAddress } from './pass.ts'

/** Characters. */
const linesAtOnce = 64 * 1024

export interface Report {
  line(line: ReportLine): void
  /** Null, or what to wait for while the disk is behind. */
  ready(): Promise<void> | null
  /** Uploads what there is; false where there was nothing to tell. */
  send(signal: AbortSignal): Promise<boolean>
  /** Removes the file, however far it has come. */
  discard(): Promise<void>
}

export function openReport(pass: Pick<Pass, 'spillDir' | 'upload'>, address: ReportAddress): Report {
  const path = join(pass.spillDir, `report-${address.packet}-${address.generation}.ndjson.gz`)
  let gzip: Gzip | null = null
  let written: Promise<void> | null = null
  /** While the disk is behind. */
  let drained: Promise<void> | null = null
  /** Lines that zlib has not been given yet: a call of it costs more than to compress a line. */
  let lines = ''

  function start(): Gzip {
    gzip = createGzip({ level: 3 })
    written = pipeline(gzip, createWriteStream(path))
    // What goes wrong is told by `send`, and is not unhandled until then.
    written.catch(() => {})
    return gzip
  }

  function flush(): void {
    const stream = gzip ?? start()
    const goesOn = stream.write(lines)
    lines = ''
    if (goesOn || drained) return
    const caughtUp = once(stream, 'drain').then(() => {})
    drained = Promise.race([caughtUp, written]).then(
      () => {
        drained = null
      },
      () => {},
    )
  }

  return {
    line(line) {
      lines += `${JSON.stringify(line)}\n`
      if (lines.length >= linesAtOnce) flush()
    },
    ready: () => drained,
    async send(signal) {
      if (lines !== '') flush()
      if (!gzip) return false
      gzip.end()
      try {
        await written
      } catch (cause) {
        throw new DrayError('io', 'write the report', `The report cannot be kept: ${message(cause)}`, {
          retry: 'later',
          hint: 'Make room in the state directory.',
          cause,
        })
      }
      await pass.upload(address, path, signal)
      return true
    },
    async discard() {
      gzip?.destroy()
      await written?.catch(() => {})
      if (gzip) await rm(path, { force: true })
    },
  }
}

/** Of an event: what became of it is counted, and named by no report. There may be millions, each with one line. */
export const noReport: Report = {
  line: () => {},
  ready: () => null,
  send: async () => false,
  discard: async () => {},
}

const message = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown))
