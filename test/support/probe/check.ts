/** What the checks of the probe have in common: whom they ask, what they send, and how they say no. */
import { createHash, randomBytes } from 'node:crypto'
import * as S3 from '@aws-sdk/client-s3'
import type { RawAnswer, RawStore } from '../s3-raw.ts'

export type Run = () => Promise<unknown>
export type Checks = [name: string, run: Run][]
export interface Subject {
  readonly store: RawStore
  readonly sdk: S3.S3Client
  /** Without the SDK's own checksums. */
  readonly plain: S3.S3Client
  readonly stranger: S3.S3Client
  readonly bucket: string
}

export const hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
export const data = randomBytes(70_000)
export const large = randomBytes(5 * 1024 * 1024)
export const tail = randomBytes(1000)

export function equal(got: unknown, wanted: unknown, what = ''): void {
  if (String(got) !== String(wanted))
    throw new Error(`${what} wanted ${String(wanted).slice(0, 60)}, got ${String(got).slice(0, 60)}`)
}

export function accepted(answer: RawAnswer): void {
  if (answer.status >= 300) throw new Error(`status ${answer.status} ${answer.code}`)
}

export function refused(answer: RawAnswer): string {
  if (answer.status < 300) throw new Error('accepted')
  return `${answer.status} ${answer.code}`
}

export async function refusedWith412(work: Promise<unknown>): Promise<void> {
  const failure = await work.then(
    () => null,
    (error: S3.S3ServiceException) => error,
  )
  if (failure === null) throw new Error('accepted')
  equal(failure.$metadata?.httpStatusCode, 412)
}

export async function read(client: S3.S3Client, input: S3.GetObjectCommandInput): Promise<Buffer> {
  const { Body } = await client.send(new S3.GetObjectCommand(input))
  return Buffer.from(await Body!.transformToByteArray())
}
