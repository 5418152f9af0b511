/** PUTs a packet's report to the control plane, and tries again for as long as the lease holds. */
import { createHash } from 'node:crypto'
import { createReadStream, openAsBlob } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { DrayError } from '../../shared/error.ts'
import { timeHeader } from '../../shared/identity/signature.ts'
import type { Signer } from '../identity/signer.ts'
import { pauseAfter } from '../session/backoff.ts'
import type { Log } from '../session/line.ts'
import type { ReportAddress } from './pass.ts'

export interface UploadOptions {
  /** Of the control plane. */
  url: URL
  signer: Signer
  log: Log
}

export function createUpload(options: UploadOptions) {
  return async function upload(address: ReportAddress, path: string, signal: AbortSignal): Promise<void> {
    const { migration, pass, packet, generation } = address
    const url = new URL(
      `agent/migrations/${encodeURIComponent(migration)}/passes/${pass}/reports/${packet}/${generation}`,
      options.url,
    )
    for (let failures = 1; ; failures++) {
      const trouble = await put(url, path, options.signer, signal)
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
async function put(url: URL, path: string, signer: Signer, signal: AbortSignal): Promise<DrayError | null> {
  const op = 'PUT report'
  try {
    const proof = await signer.headers('PUT', url, await digestOf(path))
    const { status, headers } = await fetch(url, {
      method: 'PUT',
      headers: { ...proof, 'content-type': 'application/gzip' },
      // Its length is known, as the plane wants it, and its bytes are read as they are sent.
      body: await openAsBlob(path),
      signal,
    })
    if (status < 300) return null
    if (status === 409) return new DrayError('stale', op, 'The lease has ended.')
    const soon = status >= 500 || status === 429 || status === 408 || signer.hear(headers.get(timeHeader))
    return new DrayError(soon ? 'server-error' : 'protocol', op, `The control plane answered ${status}.`, {
      retry: soon ? 'later' : 'never',
    })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    return new DrayError('unreachable', op, `The report did not arrive: ${message}`, {
      retry: 'later',
      cause,
    })
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
