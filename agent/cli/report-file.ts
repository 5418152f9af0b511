/** The report of a pass, brought from the control plane to a file: whole or not at all. */
import { createWriteStream, mkdirSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReportFormat } from '../../shared/api/passes.ts'
import type { PlaneClient } from './plane-client.ts'

export const reportPath = (stateDir: string, migration: string, pass: number): string =>
  join(stateDir, 'reports', `${migration}-${pass}.ndjson`)

export async function saveReport(
  plane: PlaneClient,
  stateDir: string,
  migration: string,
  pass: number,
  signal: AbortSignal,
): Promise<string> {
  const path = reportPath(stateDir, migration, pass)
  mkdirSync(join(stateDir, 'reports'), { recursive: true })
  await saveReportTo(path, plane, migration, pass, 'ndjson', signal)
  return path
}

export async function saveReportTo(
  path: string,
  plane: PlaneClient,
  migration: string,
  pass: number,
  format: ReportFormat,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        const body = await plane.report(migration, pass, format)
        await pipeline(Readable.fromWeb(body as never), createWriteStream(temporary), { signal })
        break
      } catch (error) {
        // A control plane that is killed in the middle of it is there again in a moment.
        if (signal.aborted || attempt === 3 || ownDisk(error)) throw error
      }
    }
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

const ownDisk = (error: unknown) => (error as { path?: string }).path !== undefined
