/** `dray mirror status` and `dray mirror switch`: ask the mirror that runs on the state directory. */
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import * as z from 'zod'
import { DrayError, errorBodySchema } from '../../shared/error.ts'
import { readHolder } from '../embed/state-dir.ts'
import { readKeys } from '../mirror/keys-file.ts'
import { plural } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { mirrorDir } from './mirror.ts'

const count = z.number().int().min(0)
const side = z.enum(['old', 'new'])
const statusSchema = z.object({
  record: side,
  reads: side,
  stay: z.string().nullable(),
  state: z.enum(['serving', 'draining']),
  old: z.string(),
  new: z.string(),
  open: count,
  dirty: count,
  tombstones: count,
  oldest: z.number().nullable(),
  problem: z.string().nullable(),
  uploads: z.object({ open: count, lame: count }),
  requests: z.object({ inside: count, waiting: count, served: count, failed: count }),
  repaired: count,
})
type Status = z.infer<typeof statusSchema>

/** Longest that an answer may take (ms): a switch waits for repairs. */
const answerMs = 200_000

export async function mirrorStatus(options: { json: boolean }, io: Io): Promise<number> {
  return told(await ask('GET', '/-/status', io), options, io)
}

export async function mirrorSwitch(record: string, options: { json: boolean }, io: Io): Promise<number> {
  if (record !== 'old' && record !== 'new')
    throw new DrayError(
      'usage',
      'read the arguments',
      `the side of record is "old" or "new", not "${record}"`,
      {
        hint: 'For example: dray mirror switch new',
      },
    )
  return told(await ask('POST', `/-/switch?record=${record}`, io), options, io)
}

/** Equal: nothing is open, and nothing is dirty. */
function told(status: Status, { json }: { json: boolean }, io: Io): number {
  if (json) io.stdout.write(`${JSON.stringify(status)}\n`)
  else io.stdout.write(wordsOf(status))
  return status.open + status.dirty === 0 ? exitCodes.equal : exitCodes.incomplete
}

function wordsOf(status: Status): string {
  const { oldest, problem, uploads } = status
  const age = oldest === null ? '' : `, the oldest for ${Math.round((Date.now() - oldest) / 1_000)} s`
  return [
    `record     ${status.record}`,
    `reads      ${status.reads}${status.stay === null ? '' : ` (${status.stay})`}`,
    `old        ${status.old}`,
    `new        ${status.new}`,
    `open       ${plural(status.open, 'write')} under way`,
    `dirty      ${plural(status.dirty, 'key')} whose sides may differ${age}`,
    ...(problem === null ? [] : [`           ${problem}`]),
    `deleted    ${plural(status.tombstones, 'key')} remembered`,
    `uploads    ${uploads.open} open${uploads.lame > 0 ? `, ${uploads.lame} on one side only` : ''}`,
    `requests   ${status.requests.served} served, ${status.requests.inside} at work, ${status.requests.waiting} waiting`,
    '',
  ].join('\n')
}

async function ask(method: 'GET' | 'POST', path: string, io: Io): Promise<Status> {
  const dir = mirrorDir(io.stateDir)
  const url = readHolder(dir)?.url
  const keys = readKeys(dir)
  if (!url || !keys) throw nobody(dir)
  const { status, text } = await send(method, new URL(path, url), keys.controlToken, dir)
  if (status === 200) return statusSchema.parse(JSON.parse(text))
  const said = errorBodySchema.safeParse(orNull(text))
  if (!said.success) throw nobody(dir)
  const { code, op, message, retry, hint } = said.data
  throw new DrayError(code, op, message, { retry, hint })
}

function orNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function send(
  method: string,
  url: URL,
  token: string,
  dir: string,
): Promise<{ status: number; text: string }> {
  const isSecure = url.protocol === 'https:'
  // It is this machine's own, and its certificate has the name that the application knows it by.
  const options = {
    method,
    headers: { authorization: `Bearer ${token}` },
    timeout: answerMs,
    rejectUnauthorized: false,
  }
  return new Promise((resolve, reject) => {
    const request = (isSecure ? secureRequest : plainRequest)(url, options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => reject(nobody(dir)))
    request.end()
  })
}

const nobody = (dir: string) =>
  new DrayError('unreachable', 'ask the mirror', `no mirror answers for ${dir}`, {
    hint: 'Start it with dray mirror, or name its state directory with --state-dir.',
  })
