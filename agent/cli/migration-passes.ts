/** `dray migration start|watch|pause|resume|cancel|report`: passes, wherever their agents are. */
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { cancelLife, pauseLife, readLife, resumeLife } from '../../shared/api/life.ts'
import { cancelPass, type MigrationView, type PassStatus, startPass } from '../../shared/api/migrations.ts'
import { pausePass, type ReportFormat, reportFormats, resumePass } from '../../shared/api/passes.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import type { LifeCommand, LifeView } from '../../shared/life.ts'
import { formatLocation } from '../../shared/location.ts'
import { remedies } from '../../shared/remedy.ts'
import { count, plural } from './figures.ts'
import { follow } from './follow.ts'
import { exitCodes, type Io } from './io.ts'
import { knownMigration } from './migrations.ts'
import { type Outcome, stateOf, toJson, toText } from './outcome.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { saveReportTo } from './report-file.ts'
import { type PassFlags, passFrom } from './request.ts'

/** Most ms between two looks: there may be many who look. */
const pollEvery = 1_000
/** Of asking again while the control plane is away; each time takes some seconds. */
const patience = 60

interface StartOptions extends AskOptions, PassFlags {
  watch?: true
}

export async function start(
  id: string,
  options: StartOptions & Record<string, unknown>,
  io: Io,
): Promise<number> {
  const body = passFrom(options)
  return withSomePlane(options, io, async (plane) => {
    const migration = await knownMigration(plane, id)
    const { pass, resumed } = await plane.call(startPass, { params: { migration: id }, body })
    if (options.watch) return watched(plane, migration, pass.number, options, io)
    if (options.json) {
      io.stdout.write(`${JSON.stringify({ migration: id, pass: pass.number, state: pass.state, resumed })}\n`)
    } else {
      const what = resumed ? 'is running already' : 'has begun'
      io.stdout.write(visible(`Pass ${pass.number} of ${id} ${what}. See it: dray migration watch ${id}\n`))
    }
    return exitCodes.equal
  })
}

export async function watch(id: string, options: AskOptions, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const migration = await knownMigration(plane, id)
    return watched(plane, migration, await lastPass(plane, migration), options, io)
  })
}

export async function watched(
  plane: PlaneClient,
  { id, source, destination, filter }: MigrationView,
  pass: number,
  options: AskOptions,
  io: Io,
): Promise<number> {
  const from = `${formatLocation(source)}${filter.only ?? ''}`
  io.stderr.write(visible(`pass ${pass} of ${id}: ${from} → ${formatLocation(destination)}\n`))
  try {
    const asked = async ({ deletes, of }: NonNullable<PassStatus['asks']>) => {
      io.stderr.write(visible(`${asking(id, deletes, of)}\n`))
    }
    const until = { migration: id, pass, pollEvery, patience, asked, gaveUp: () => null }
    const { status } = await follow(plane, until, io)
    const outcome: Outcome = {
      migration: id,
      source: from,
      destination: formatLocation(destination),
      status,
      gaveUp: null,
      seconds: ((status.endedAt ?? Date.now()) - status.startedAt) / 1000,
      report: null,
      failures: status.failureCauses.length > 0 ? await plane.failures(id, pass).catch(() => []) : [],
    }
    const text =
      status.state === 'cancelled' ? `Cancelled: pass ${pass} of ${id}.\n` : toText(outcome, remedies)
    if (!options.json) io.stdout.write(text)
    else {
      if (stateOf(outcome) === 'incomplete') io.stderr.write(text)
      io.stdout.write(`${toJson(outcome)}\n`)
    }
    return stateOf(outcome) === 'complete' ? exitCodes.equal : exitCodes.incomplete
  } catch (error) {
    if (!io.signal.aborted) throw error
    io.stderr.write(
      visible(`Nobody watches any more; pass ${pass} goes on. Again: dray migration watch ${id}\n`),
    )
    return exitCodes.interrupted
  }
}

export async function cancel(id: string, options: AskOptions, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const life = await ledThrough(plane, id, 'cancel', (params) => plane.call(cancelLife, { params }))
    if (life)
      return tell(
        id,
        life,
        `Cancelled ${id}. Begin again where it was: dray migration follow ${id}`,
        options,
        io,
      )
    const pass = await lastPass(plane, await knownMigration(plane, id))
    const { state } = await plane.pass(id, pass)
    const after = state === 'running' ? await cancelled(plane, id, pass) : state
    if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, pass, state: after })}\n`)
    else if (state === 'running') io.stdout.write(visible(`Cancelled pass ${pass} of ${id}.\n`))
    else io.stdout.write(visible(`Pass ${pass} of ${id} was over already: ${state}.\n`))
    return exitCodes.equal
  })
}

export async function pause(id: string, options: AskOptions & { stop?: true }, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const body = { inFlight: options.stop ? 'stop' : 'finish' } as const
    const how = options.stop ? 'What was at work is stopped' : 'What is at work is finished'
    const life = await ledThrough(plane, id, 'pause', (params) => plane.call(pauseLife, { params, body }))
    if (life) {
      const what = `Paused ${id}. ${how}, and no pass begins. Let it go on: dray migration resume ${id}`
      return tell(id, life, what, options, io)
    }
    const pass = await runningPass(plane, id)
    const { paused } = await plane.call(pausePass, { params: { migration: id, pass }, body })
    if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, pass, paused: paused ?? null })}\n`)
    else
      io.stdout.write(
        visible(`Paused pass ${pass} of ${id}. ${how}. Let it go on: dray migration resume ${id}\n`),
      )
    return exitCodes.equal
  })
}

export async function resume(id: string, options: AskOptions, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const life = await ledThrough(plane, id, 'resume', (params) => plane.call(resumeLife, { params }))
    if (life) return tell(id, life, `${id} goes on. See it: dray migration life ${id}`, options, io)
    const pass = await runningPass(plane, id)
    await plane.call(resumePass, { params: { migration: id, pass } })
    if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, pass, paused: null })}\n`)
    else io.stdout.write(visible(`Pass ${pass} of ${id} goes on. See it: dray migration watch ${id}\n`))
    return exitCodes.equal
  })
}

/** What a pass asks, and how to answer it. */
const asking = (id: string, deletes: number, of: number): string =>
  `It would delete ${count(deletes)} of ${plural(of, 'object')} at the destination, more than its cap allows, and waits:\n` +
  `  dray migration deletes ${id} --allow ${deletes}\n  dray migration deletes ${id} --leave`

/** Where the migration is led through its life, and this can be asked of it, that is what is meant; null: a pass is. */
async function ledThrough(
  plane: PlaneClient,
  migration: string,
  command: LifeCommand,
  ask: (params: { migration: string }) => Promise<LifeView>,
): Promise<LifeView | null> {
  const params = { migration }
  const { commands, paused } = await plane.call(readLife, { params })
  const isMeant = commands.includes(command) || (command === 'pause' && paused !== null)
  return isMeant ? ask(params) : null
}

function tell(id: string, life: LifeView, what: string, options: AskOptions, io: Io): number {
  io.stdout.write(options.json ? `${JSON.stringify({ migration: id, ...life })}\n` : visible(`${what}\n`))
  return exitCodes.equal
}

async function runningPass(plane: PlaneClient, id: string): Promise<number> {
  const pass = await lastPass(plane, await knownMigration(plane, id))
  const { state } = await plane.pass(id, pass)
  if (state === 'running') return pass
  throw new DrayError('usage', 'pause', `pass ${pass} of ${id} is over: ${state}`, {
    hint: `Start the next one: dray migration start ${id}`,
  })
}

const cancelled = async (plane: PlaneClient, migration: string, pass: number) =>
  (await plane.call(cancelPass, { params: { migration, pass } })).state

interface PassOptions extends AskOptions {
  pass?: number
}

export async function report(
  id: string,
  options: PassOptions & { output?: string; format?: ReportFormat },
  io: Io,
): Promise<number> {
  const { output } = options
  const format = options.format ?? (output === undefined ? undefined : formatOf(output)) ?? 'ndjson'
  if (output === undefined && format.endsWith('.gz') && io.stdout.isTTY) {
    throw usage('a terminal cannot show what is compressed', 'Give --output FILE, or send it elsewhere.')
  }
  return withSomePlane(options, io, async (plane) => {
    const pass = options.pass ?? (await lastPass(plane, await knownMigration(plane, id)))
    if (output === undefined) {
      const body = await plane.report(id, pass, format)
      await pipeline(Readable.fromWeb(body as never), io.stdout, { signal: io.signal, end: false })
      return exitCodes.equal
    }
    const path = resolve(io.cwd, output)
    await saveReportTo(path, plane, id, pass, format, io.signal).catch((error) => {
      const { code, path } = error as NodeJS.ErrnoException
      throw path === undefined
        ? error
        : usage(`${output} cannot be written (${code})`, 'Check the path and its rights.')
    })
    if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, pass, report: path })}\n`)
    else io.stderr.write(visible(`The report of pass ${pass} of ${id} is in ${path}\n`))
    return exitCodes.equal
  })
}

/** As the file's name says, longest ending first. */
const formatOf = (path: string): ReportFormat | undefined =>
  reportFormats.toSorted((a, b) => b.length - a.length).find((format) => path.endsWith(`.${format}`))

/** The catalogue may not have heard of the one that has just begun. */
export async function lastPass(plane: PlaneClient, { id, pass }: MigrationView): Promise<number> {
  const known = pass?.number ?? 0
  const newer = await plane.pass(id, known + 1).catch((error) => {
    if (error instanceof DrayError && error.code === 'not-found') return null
    throw error
  })
  if (newer || known > 0) return newer?.number ?? known
  throw new DrayError('not-found', 'look', `no pass of ${id} has begun yet`, {
    hint: `Start one: dray migration start ${id}`,
  })
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
