/** `dray migration life|follow|verify|cut-over|step|switch|roll-back|abandon|close|deletes|changes`: a migration is led through its life. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { tellChanges } from '../../shared/api/changes.ts'
import {
  abandonCutOver,
  answerDeletes,
  closeLife,
  cutOver,
  doStep,
  readLife,
  rollBack,
  startLife,
  switchOver,
  verifyLife,
} from '../../shared/api/life.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import type { CutOverStep, LifeView } from '../../shared/life.ts'
import type { Depth } from '../../shared/policy.ts'
import { confirm, isAsked } from './confirm.ts'
import { plural } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { lifeText, placesOf, type Sides, stateText } from './life-text.ts'
import { walk } from './life-walk.ts'
import { knownMigration } from './migrations.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'

export const show = (id: string, options: AskOptions, io: Io): Promise<number> =>
  led(id, options, io, (plane, params) => plane.call(readLife, { params }))

export const follow = (id: string, options: AskOptions, io: Io): Promise<number> =>
  led(id, options, io, (plane, params) => plane.call(startLife, { params }))

export const verify = (
  id: string,
  { depth, sample, ...options }: AskOptions & { depth?: Depth; sample?: number | null },
  io: Io,
): Promise<number> => {
  const body = { ...(depth && { depth }), ...(sample !== undefined && { sample }) }
  return led(id, options, io, (plane, params) => plane.call(verifyLife, { params, body }))
}

export const abandon = (id: string, options: AskOptions, io: Io): Promise<number> =>
  led(id, options, io, (plane, params) => plane.call(abandonCutOver, { params }))

export const switchTo = (id: string, options: AskOptions, io: Io): Promise<number> =>
  led(id, options, io, (plane, params) => plane.call(switchOver, { params }))

type WalkFlags = AskOptions & { wait?: true; declareFreeze?: true }

export const beginCutOver = (id: string, options: WalkFlags, io: Io): Promise<number> =>
  walked(cutOver, id, options, io)

export const beginRollBack = (id: string, options: WalkFlags, io: Io): Promise<number> =>
  walked(rollBack, id, options, io)

/** Begins the checklist, or goes on with it; then walks it, where somebody is there to be asked, or to wait. */
async function walked(
  contract: typeof cutOver | typeof rollBack,
  id: string,
  options: WalkFlags,
  io: Io,
): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const migration = await knownMigration(plane, id)
    const params = { migration: id }
    const before = await plane.call(readLife, { params })
    const goesOn =
      (before.state === 'verifying' || before.state === 'ready') &&
      before.direction === (contract === cutOver ? 'forward' : 'back')
    const begun = goesOn ? before : await plane.call(contract, { params })
    const walks = options.wait || options.declareFreeze || isAsked(io)
    const life = walks ? await walk(plane, migration, options, io) : begun
    tell(migration, life, options, io)
    const isDone = life.state !== 'verifying'
    return isDone || !walks ? exitCodes.equal : exitCodes.incomplete
  })
}

interface StepFlags extends AskOptions {
  declare?: true
  retry?: true
  waive?: string
}

export const step = (
  id: string,
  name: CutOverStep,
  { declare, retry, waive, ...options }: StepFlags,
  io: Io,
) => {
  const answers = [
    ...(declare ? [{ do: 'declare' as const }] : []),
    ...(retry ? [{ do: 'retry' as const }] : []),
    ...(waive === undefined ? [] : [{ do: 'waive' as const, reason: waive }]),
  ]
  const [body] = answers
  if (!body || answers.length > 1) {
    throw usage(
      body ? 'a step is given two answers' : 'nothing says what is to become of the step',
      'Give one of --declare, --retry and --waive REASON.',
    )
  }
  if (waive === '') throw usage('--waive gives no reason', "For example --waive 'an upload of a dead client'")
  return led(id, options, io, (plane, params) =>
    plane.call(doStep, { params: { ...params, step: name }, body }),
  )
}

export async function close(
  id: string,
  { yes, ...options }: AskOptions & { yes?: true },
  io: Io,
): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const migration = await knownMigration(plane, id)
    if (!yes) {
      if (!isAsked(io)) {
        throw usage(`nobody is there to say that ${id} is to be closed`, 'Give --yes.')
      }
      const life = await plane.call(readLife, { params: { migration: id } })
      const question = `Close ${id}? ${stateText(migration, life)}. Nothing follows after that, for good.`
      if (!(await confirm(visible(question), io))) return exitCodes.incomplete
    }
    tell(migration, await plane.call(closeLife, { params: { migration: id } }), options, io)
    return exitCodes.equal
  })
}

export async function deletes(
  id: string,
  { allow, leave, ...options }: AskOptions & { allow?: number; leave?: true },
  io: Io,
): Promise<number> {
  if ((allow === undefined) === (leave === undefined)) {
    throw usage('nothing says what is to become of the deletes', 'Give one of --allow NUMBER and --leave.')
  }
  const body = allow === undefined ? { do: 'leave' as const } : { do: 'allow' as const, objects: allow }
  return withSomePlane(options, io, async (plane) => {
    const migration = await knownMigration(plane, id)
    const life = await plane.call(readLife, { params: { migration: id } })
    const pass = life.deletes?.pass ?? life.pass ?? migration.pass?.number
    if (!pass) throw usage(`no pass of ${id} has begun yet`, `Start one: dray migration start ${id}`)
    const status = await plane.call(answerDeletes, { params: { migration: id, pass }, body })
    if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, ...status })}\n`)
    else {
      const what = allow === undefined ? 'deletes none of them' : `deletes up to ${plural(allow, 'object')}`
      io.stdout.write(visible(`Pass ${pass} of ${id} ${what}, and goes on.\n`))
    }
    return exitCodes.equal
  })
}

interface ChangesFlags extends AskOptions {
  side: 'source' | 'destination'
  file?: string
}

export async function changes(
  id: string,
  keys: readonly string[],
  { side, file, ...options }: ChangesFlags,
  io: Io,
): Promise<number> {
  if ((file === undefined) === (keys.length === 0)) {
    throw usage('nothing says what has changed', 'Give keys, or --file with a notification of a store.')
  }
  const body = file === undefined ? { keys } : notificationIn(file, io)
  const answer = await withSomePlane(options, io, (plane) =>
    plane.call(tellChanges, { params: { migration: id }, query: { side }, body }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify({ migration: id, ...answer })}\n`)
  else {
    const ignored =
      answer.ignored === 0
        ? ''
        : ` ${plural(answer.ignored, 'key')} ignored: not of ${id}, or not followed now.`
    io.stdout.write(visible(`${plural(answer.taken, 'key')} of ${id} will be looked at.${ignored}\n`))
  }
  return exitCodes.equal
}

function notificationIn(file: string, io: Io): unknown {
  try {
    return JSON.parse(readFileSync(file === '-' ? 0 : resolve(io.cwd, file), 'utf8'))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new DrayError('usage', 'read the file', `${file} holds no notification (${code ?? message})`, {
      hint: 'It is to be JSON, as a store posts it.',
      cause,
    })
  }
}

/** Asks, and tells where the migration stands after it. */
export async function led(
  id: string,
  options: AskOptions,
  io: Io,
  ask: (plane: PlaneClient, params: { migration: string }) => Promise<LifeView>,
): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const migration = await knownMigration(plane, id)
    tell(migration, await ask(plane, { migration: id }), options, io)
    return exitCodes.equal
  })
}

function tell(migration: Sides, life: LifeView, options: AskOptions, io: Io): void {
  if (options.json) return void io.stdout.write(`${JSON.stringify({ migration: migration.id, ...life })}\n`)
  io.stdout.write(visible(lifeText(migration, life, Date.now())))
  if (life.state === 'ready') {
    const { to } = placesOf(migration, life)
    io.stdout.write(
      visible(
        `\nReady. Let the application use ${to} now; then say so: dray migration switch ${migration.id}\n`,
      ),
    )
  }
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
