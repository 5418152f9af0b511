/** `dray migration failures|retry|waive`: what failed in a pass, and what is to become of it. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  type Cause,
  downloadFailures,
  type Failure,
  type FailureState,
  listCauses,
  listFailures,
  reopenFailures,
  retryFailures,
  waiveFailures,
} from '../../shared/api/failures.ts'
import { type PassStatus, readPass } from '../../shared/api/migrations.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { bytes, count, plural } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { lastPass, watched } from './migration-passes.ts'
import { knownMigration } from './migrations.ts'
import { nameOf } from './outcome.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { table } from './table.ts'

interface Selection {
  cause?: string
  prefix?: string
  text?: string
}
interface Choosing extends AskOptions, Selection {
  pass?: number
}
interface ListOptions extends Choosing {
  state?: FailureState
  causes?: true
  output?: string
  format?: 'csv' | 'ndjson'
}

const selected = ({ cause, prefix, text }: Selection): Selection => ({
  ...(cause !== undefined && { cause }),
  ...(prefix !== undefined && { prefix }),
  ...(text !== undefined && { text }),
})

export async function failures(id: string, options: ListOptions, io: Io): Promise<number> {
  const { output, state, causes } = options
  const format = options.format ?? (output === undefined ? undefined : formatOf(output))
  if (output !== undefined && format === undefined) {
    throw usage(`nothing says what ${output} is to be`, 'Name it .csv or .ndjson, or give --format.')
  }
  if (causes && format) throw usage('--causes and a file are both given', 'Give one of them.')
  return withSomePlane(options, io, async (plane) => {
    const pass = options.pass ?? (await lastPass(plane, await knownMigration(plane, id)))
    const params = { migration: id, pass }
    const query = { ...selected(options), ...(state && { state }) }
    if (format) {
      const body = await plane.stream(downloadFailures, { params, query: { ...query, format } })
      if (output === undefined) {
        await pipeline(Readable.fromWeb(body as never), io.stdout, { signal: io.signal, end: false })
        return exitCodes.equal
      }
      await save(body, resolve(io.cwd, output), output, io.signal)
      if (options.json) io.stdout.write(`${JSON.stringify({ ...params, output: resolve(io.cwd, output) })}\n`)
      else io.stderr.write(visible(`What failed in pass ${pass} of ${id} is in ${output}\n`))
      return exitCodes.equal
    }
    if (causes) {
      const found = (await plane.call(listCauses, { params })).causes.filter(
        ({ id: cause }) => options.cause === undefined || options.cause === cause,
      )
      if (options.json) io.stdout.write(`${JSON.stringify({ ...params, causes: found })}\n`)
      else if (found.length === 0) io.stdout.write(visible(await noneFailed(plane, id, pass)))
      else io.stdout.write(visible(found.map((cause) => causeText(cause)).join('\n')))
      return exitCodes.equal
    }
    await list(plane, params, query, options.json, io)
    return exitCodes.equal
  })
}

/** A page at a time: there may be millions. */
async function list(
  plane: PlaneClient,
  params: { migration: string; pass: number },
  query: Selection & { state?: FailureState },
  json: boolean,
  io: Io,
): Promise<void> {
  const { migration, pass } = params
  let n = 0
  if (json) io.stdout.write(`{"migration":${JSON.stringify(migration)},"pass":${pass},"failures":[`)
  for await (const page of plane.pages(listFailures, { params, query: { ...query, limit: 1_000 } })) {
    const rows = page.failures
    if (json) {
      const text = rows.map((failure) => JSON.stringify(failure)).join(',')
      io.stdout.write(n > 0 && text ? `,${text}` : text)
    } else if (rows.length > 0) {
      const head = n === 0 ? ['STATE', 'CAUSE', 'SIZE', 'KEY', 'MESSAGE'] : null
      const text = table(head ?? rowOf(rows[0]!), (head ? rows : rows.slice(1)).map(rowOf))
      io.stdout.write(visible(text))
    }
    n += rows.length
  }
  if (json) io.stdout.write(']}\n')
  else if (n === 0 && Object.keys(query).length > 0) {
    io.stdout.write(visible(`Nothing like that failed in pass ${pass} of ${migration}.\n`))
  } else if (n === 0) io.stdout.write(visible(await noneFailed(plane, migration, pass)))
  else io.stderr.write(visible(`\n${wayOn(migration, await plane.pass(migration, pass))}\n`))
}

const rowOf = (failure: Failure): string[] => [
  stateOf(failure),
  failure.code,
  bytes(failure.bytes),
  nameOf(failure),
  failure.message.replace(/\s+/g, ' ') + (failure.waiver ? ` (waived: ${failure.waiver.reason})` : ''),
]

const stateOf = ({ state, retriedBy }: Failure): string =>
  state === 'retried' ? `retried in ${retriedBy}` : state

function causeText(cause: Cause): string {
  const { id, code, message, remedy, samples, objects } = cause
  const states = (['open', 'retried', 'waived'] as const)
    .filter((state) => cause[state] > 0)
    .map((state) => `${count(cause[state])} ${state}`)
  const more = objects - samples.length
  return [
    `${id}  ${plural(objects, 'object')}, ${bytes(cause.bytes)}: ${code} (${states.join(', ')})`,
    `   ${cause.rest ? 'Of several kinds, for example: ' : ''}${message.replace(/\s+/g, ' ')}`,
    ...samples.map((sample) => `     ${nameOf(sample)}`),
    ...(more > 0 && samples.length > 0 ? [`     and ${count(more)} more`] : []),
    `   → ${remedy}`,
    '',
  ].join('\n')
}

/** What can be done now. */
function wayOn(migration: string, { open, waived, state }: PassStatus): string {
  const rest = waived > 0 ? `, ${count(waived)} waived` : ''
  if (state === 'running') return `${count(open)} open so far${rest}.`
  if (open === 0) return `None is open any more${rest}.`
  return `${count(open)} open${rest}. By cause: dray migration failures ${migration} --causes. Once it is removed: dray migration retry ${migration}`
}

/** What is in parked packets is not known to have failed, and is not copied either. */
async function noneFailed(plane: PlaneClient, migration: string, pass: number): Promise<string> {
  const { packets, open } = await plane.call(readPass, { params: { migration, pass } })
  if (packets.parked > 0) {
    return `No object failed in pass ${pass} of ${migration}, but ${plural(packets.parked, 'packet')} could not be worked on: dray migration ${migration}\n`
  }
  const before = open > 0 ? ` ${count(open)} are open in the passes before it: --pass.` : ''
  return `Nothing failed in pass ${pass} of ${migration}.${before}\n`
}

interface RetryOptions extends Choosing {
  as?: 'copy' | 'verify'
  watch?: true
}

export async function retry(id: string, options: RetryOptions, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const migration = await knownMigration(plane, id)
    const of = options.pass ?? (await lastPass(plane, migration))
    const body = { ...selected(options), ...(options.as && { kind: options.as }) }
    const { pass, objects } = await plane.call(retryFailures, { params: { migration: id, pass: of }, body })
    if (options.watch) return watched(plane, migration, pass.number, options, io)
    if (options.json) {
      io.stdout.write(`${JSON.stringify({ migration: id, pass: pass.number, retries: of, objects })}\n`)
    } else {
      const what = objects > 0 ? `${plural(objects, 'object')} that failed` : 'what could not be worked on'
      io.stdout.write(
        visible(`Pass ${pass.number} of ${id} tries ${what} again. See it: dray migration watch ${id}\n`),
      )
    }
    return exitCodes.equal
  })
}

interface WaiveOptions extends Choosing {
  reason?: string
  takeBack?: true
}

export async function waive(id: string, options: WaiveOptions, io: Io): Promise<number> {
  const { reason, takeBack } = options
  if (!takeBack && !reason?.trim()) throw usage('nothing says why', 'Give --reason: it is kept with them.')
  return withSomePlane(options, io, async (plane) => {
    const pass = options.pass ?? (await lastPass(plane, await knownMigration(plane, id)))
    const params = { migration: id, pass }
    const { objects } = takeBack
      ? await plane.call(reopenFailures, { params, body: selected(options) })
      : await plane.call(waiveFailures, { params, body: { ...selected(options), reason: reason! } })
    const { state, open } = await plane.pass(id, pass)
    if (options.json) io.stdout.write(`${JSON.stringify({ ...params, objects, state, open })}\n`)
    else if (objects === 0) {
      const what = takeBack ? 'waived' : 'open'
      io.stdout.write(
        visible(
          `Nothing that is meant is ${what} in pass ${pass} of ${id}. Another pass: --pass (dray migration passes ${id}).\n`,
        ),
      )
    } else {
      const what = `${objects === 1 ? 'is' : 'are'} ${takeBack ? 'open again' : 'waived'}`
      const now = state === 'complete' ? 'the pass is complete' : `${count(open)} open`
      io.stdout.write(visible(`${plural(objects, 'failure')} of pass ${pass} of ${id} ${what}: ${now}.\n`))
    }
    return exitCodes.equal
  })
}

/** Whole or not at all. */
async function save(
  body: ReadableStream<Uint8Array>,
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await pipeline(Readable.fromWeb(body as never), createWriteStream(temporary), { signal })
    await rename(temporary, path)
  } catch (error) {
    const { code, path: ofDisk } = error as NodeJS.ErrnoException
    throw ofDisk === undefined
      ? error
      : usage(`${name} cannot be written (${code})`, 'Check the path and its rights.')
  } finally {
    await rm(temporary, { force: true })
  }
}

const formatOf = (path: string): 'csv' | 'ndjson' | undefined =>
  path.endsWith('.csv') ? 'csv' : path.endsWith('.ndjson') ? 'ndjson' : undefined

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
