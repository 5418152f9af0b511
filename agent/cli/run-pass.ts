/**
 * `dray copy` and `dray verify`, told once: take the state directory, look before leaping, start a private control
 * plane and one agent, run the pass, tell how it ended, leave nothing running.
 */
import { issueCertificate } from '../../shared/api/certificates.ts'
import type { Failure } from '../../shared/api/failures.ts'
import { answerDeletes } from '../../shared/api/life.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { DrayError, type ErrorBody } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { formatLocation } from '../../shared/location.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { allowAll } from '../allow/allow-list.ts'
import { fullDisk, startControlPlane } from '../embed/control-plane.ts'
import { openStateDir, type StateDir } from '../embed/state-dir.ts'
import { localIdentity } from '../identity/identity-file.ts'
import { openStorage } from '../storage/open.ts'
import { withRetry } from '../storage/retry.ts'
import { complaint } from './complain.ts'
import { lastWords } from './ending.ts'
import { follow } from './follow.ts'
import { hints } from './hints.ts'
import { exitCodes, type Io, logLine, throwIfInterrupted } from './io.ts'
import { saveCertificate } from './migration-certificate.ts'
import { type Outcome, stateOf, toJson, toText } from './outcome.ts'
import { ownLimit } from './own-limit.ts'
import { type PlaneClient, planeClient } from './plane-client.ts'
import { type Plan, preflight } from './preflight.ts'
import { saveReport } from './report-file.ts'
import type { Request } from './request.ts'
import { stallWatch } from './stall.ts'

/** Most ms between two looks at the pass. */
const pollEvery = 300

export async function runPass(request: Request, io: Io): Promise<number> {
  io.signal.addEventListener('abort', () => io.exitBy(4_500), { once: true })
  const state = openStateDir(io.stateDir, request.pass.kind)
  try {
    const plan = await lookFirst(request, state, io)
    try {
      throwIfInterrupted(io.signal)
      const code = await move(request, plan, state, io)
      if (request.pass.dryRun) plan.undo()
      return code
    } catch (error) {
      plan.undo()
      throw error
    }
  } finally {
    state.release()
  }
}

async function lookFirst(request: Request, state: StateDir, io: Io): Promise<Plan> {
  const { agent: agentId } = await localIdentity(state.path)
  return preflight(request, {
    stateDir: state.path,
    signal: io.signal,
    waiting: (location) =>
      void io.stderr.write(`waiting for an answer from ${visible(formatLocation(location))}\n`),
    open: async (location) =>
      withRetry(
        await openStorage(location, {
          stateDir: state.path,
          agentId,
          symlinks: request.pass.symlinks,
          connections: 2,
          env: io.env,
        }),
        { attempts: 2 },
      ),
  })
}

async function move(request: Request, plan: Plan, state: StateDir, io: Io): Promise<number> {
  const notes: string[] = []
  const { log, why } = lastWords((event) => {
    if (io.debug) logLine(io, event)
    if (event.event === 'uploads-of-others') notes.push(String(event.message))
  })
  const booting = startControlPlane({
    stateDir: state.path,
    log: (level, message) => log({ level, event: message }),
  })
  // While workerd starts; not earlier, so that whoever is refused does not wait for it.
  const [plane, { startAgent }] = await Promise.all([booting, import('../agent.ts')])
  try {
    state.announce(plane.url)
    throwIfInterrupted(io.signal)
    const client = planeClient(plane)
    await client.putMigration(plan.id, plan.migration)
    const began = performance.now()
    const { pass, resumed } = await begin(client, plan.id, request.pass)
    announce(io, plan, pass, resumed)
    const agent = startAgent({
      url: plane.url,
      identity: plane.identity,
      allow: allowAll,
      stateDir: state.path,
      version: io.version,
      env: io.env,
      concurrency: request.concurrency,
      memory: request.memory,
      threads: request.threads,
      only: plan.id,
      ownLimit: ownLimit(request.limit),
      log,
    })
    try {
      const { status, gaveUp } = await watch(
        client,
        plan,
        pass,
        agent.closed.then(() => why()),
        io,
      )
      const outcome: Outcome = {
        migration: plan.id,
        source: sourceOf(plan),
        destination: formatLocation(plan.migration.destination),
        status,
        gaveUp,
        seconds: (performance.now() - began) / 1000,
        report: await saveReport(client, state.path, plan.id, pass.number, io.signal),
        failures: status.failureCauses.length > 0 ? await failuresOf(client, plan.id, pass.number) : [],
        left: status.left ?? 0,
      }
      tell(request, outcome, io)
      if (request.certificate !== undefined) await certify(client, outcome, request.certificate, io)
      for (const note of notes) io.stderr.write(`note: ${visible(note)}\n`)
      return stateOf(outcome) === 'complete' ? exitCodes.equal : exitCodes.incomplete
    } catch (error) {
      throwIfInterrupted(io.signal)
      io.stderr.write(complaint(fullDisk(state.path) ?? error, io.debug))
      io.stderr.write('  What is done is kept: the same command goes on from here.\n')
      return exitCodes.incomplete
    } finally {
      await agent.stop()
    }
  } catch (error) {
    throwIfInterrupted(io.signal)
    throw fullDisk(state.path) ?? error
  } finally {
    await plane.stop()
  }
}

/** Goes on with an unfinished pass of the same options; one of other options makes way. */
async function begin(
  client: PlaneClient,
  id: string,
  options: PassOptions,
): Promise<{ pass: PassStatus; resumed: boolean }> {
  try {
    return await client.startPass(id, options)
  } catch (error) {
    if (!(error instanceof DrayError) || error.code !== 'busy') throw error
    const unfinished = (await client.migration(id))?.pass
    if (!unfinished) throw error
    await client.cancelPass(id, unfinished.number)
    return client.startPass(id, options)
  }
}

/** What cannot be certified is said, and why; the exit status is the verification's. */
async function certify(client: PlaneClient, outcome: Outcome, path: string, io: Io): Promise<void> {
  const { migration, status } = outcome
  try {
    const params = { migration, pass: status.number }
    await client.call(issueCertificate, { params })
    await saveCertificate(path, client, migration, status.number, io.signal)
    io.stderr.write(visible(`The certificate is in ${path}\n`))
  } catch (error) {
    throwIfInterrupted(io.signal)
    io.stderr.write(`There is no certificate. ${complaint(error, io.debug)}`)
  }
}

function announce(io: Io, plan: Plan, pass: PassStatus, resumed: boolean): void {
  const { kind, dryRun } = pass.options
  const doing = kind === 'verify' ? 'verifying' : dryRun ? 'counting (dry run)' : 'copying'
  const [from, to] = [sourceOf(plan), formatLocation(plan.migration.destination)]
  for (const warning of plan.warnings) io.stderr.write(visible(`warning: ${warning}.\n`))
  io.stderr.write(visible(`${resumed ? 'resuming: ' : ''}${doing} ${from} → ${to}\n`))
  if (plan.preview) io.stderr.write(visible(plan.preview))
}

/** The way it was meant: a single object by its own name. */
function sourceOf({ migration: { source, filter } }: Plan): string {
  const folder = formatLocation(source)
  if (filter.only === null) return folder
  return folder.endsWith('/') ? `${folder}${filter.only}` : `${folder}/${filter.only}`
}

/** Until its agent ends, too, or until nothing moves any more. */
function watch(
  client: PlaneClient,
  plan: Plan,
  pass: PassStatus,
  agentEnded: Promise<DrayError>,
  io: Io,
): Promise<{ status: PassStatus; gaveUp: ErrorBody | null }> {
  const stall = stallWatch()
  let ended: ErrorBody | null = null
  void agentEnded.then((error) => {
    ended = error.toBody()
  })
  const gaveUp = (status: PassStatus) => ended ?? stall.see(status, performance.now())
  // Nobody is there to be asked: nothing is deleted, the rest is done, and the summary says how to go on.
  const asked = async () => {
    const params = { migration: plan.id, pass: pass.number }
    await client.call(answerDeletes, { params, body: { do: 'leave' } })
  }
  return follow(client, { migration: plan.id, pass: pass.number, pollEvery, gaveUp, asked, patience: 0 }, io)
}

/** Examples for the summary; the report has them all, so a summary does not fail for want of them. */
const failuresOf = (client: PlaneClient, id: string, pass: number): Promise<Failure[]> =>
  client.failures(id, pass).catch(() => [])

function tell(request: Request, outcome: Outcome, io: Io): void {
  if (!request.json) {
    io.stdout.write(toText(outcome, hints))
    return
  }
  if (stateOf(outcome) === 'incomplete') io.stderr.write(toText(outcome, hints))
  io.stdout.write(`${toJson(outcome)}\n`)
}
