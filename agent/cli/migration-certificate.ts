/** `dray migration certificate`: issues a certificate, and writes it. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { downloadCertificate, issueCertificate, listCertificates } from '../../shared/api/certificates.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { knownMigration } from './migrations.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'

interface CertificateOptions extends AskOptions {
  pass?: number
  issue?: true
  output?: string
}

export async function certificate(id: string, options: CertificateOptions, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const pass = options.pass ?? (options.issue ? await lastPass(plane, id) : await lastCertified(plane, id))
    if (options.issue) await plane.call(issueCertificate, { params: { migration: id, pass } })
    if (options.output === undefined) {
      const body = await plane.stream(downloadCertificate, { params: { migration: id, pass } })
      await pipeline(Readable.fromWeb(body as never), io.stdout, { end: false, signal: io.signal })
      return exitCodes.equal
    }
    const path = resolve(io.cwd, options.output)
    await saveCertificate(path, plane, id, pass, io.signal)
    if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, pass, certificate: path })}\n`)
    else io.stderr.write(visible(`The certificate of pass ${pass} of ${id} is in ${path}\n`))
    return exitCodes.equal
  })
}

async function lastPass(plane: PlaneClient, id: string): Promise<number> {
  const { pass } = await knownMigration(plane, id)
  if (pass) return pass.number
  throw none(`${id} has no pass yet`, `Verify it: dray migration start ${id} --verify --watch.`)
}

async function lastCertified(plane: PlaneClient, id: string): Promise<number> {
  const { certificates } = await plane.call(listCertificates, { params: { migration: id } })
  if (certificates[0]) return certificates[0].pass
  throw none(`${id} has no certificate yet`, `Issue one: dray migration certificate ${id} --issue.`)
}

const none = (message: string, hint: string) => new DrayError('not-found', 'certificate', message, { hint })

/** Whole, or not at all. */
export async function saveCertificate(
  path: string,
  plane: Pick<PlaneClient, 'stream'>,
  migration: string,
  pass: number,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const body = await plane.stream(downloadCertificate, { params: { migration, pass } })
    await pipeline(Readable.fromWeb(body as never), createWriteStream(temporary), { signal })
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}
