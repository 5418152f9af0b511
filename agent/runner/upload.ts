/** PUTs a packet's report to the control plane, and tries again for as long as the lease holds. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { DrayError } from '../../shared/error.ts'
import { pauseAfter } from '../session/backoff.ts'
import type { Log } from '../session/line.ts'
import type { ReportAddress } from './pass.ts'

export interface UploadOptions {
  /** Of the control plane. */
  url: URL
  token: string
  log: Log
}

const timeoutMs = 60_000

export function createUpload(options: UploadOptions) {
  return async function upload(address: ReportAddress, path: string, signal: AbortSignal): Promise<void> {
    const { migration, pass, packet, generation } = address
    const url = new URL(
      `agent/migrations/${encodeURIComponent(migration)}/passes/${pass}/reports/${packet}/${generation}`,
      options.url,
    )
    for (let failures = 1; ; failures++) {
      const trouble = await put(url, path, options.token, signal)
      if (trouble === null) return
      if (trouble.retry === 'never' || signal.aborted) throw trouble
      if (failures === 1)
        options.log({ level: 'warn', event: 'report-waits', migration, packet, message: trouble.message })
      await pause(pauseAfter(failures, Math.random()), undefined, { signal }).catch(() => {
        throw trouble
      })
    }
  }
}

/** Null when the plane has it. */
async function put(url: URL, path: string, token: string, signal: AbortSignal): Promise<DrayError | null> {
  const op = 'PUT report'
  try {
    const { size } = await stat(path)
    const { statusCode, body } = await request(url, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/gzip',
        'content-length': String(size),
      },
      body: createReadStream(path),
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
    await body.dump()
    if (statusCode < 300) return null
    if (statusCode === 409) return new DrayError('stale', op, 'The lease has ended.')
    const soon = statusCode >= 500 || statusCode === 429 || statusCode === 408
    return new DrayError(
      soon ? 'server-error' : 'protocol',
      op,
      `The control plane answered ${statusCode}.`,
      {
        retry: soon ? 'later' : 'never',
      },
    )
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    return new DrayError('unreachable', op, `The report did not arrive: ${message}`, {
      retry: 'later',
      cause,
    })
  }
}
