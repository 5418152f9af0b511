/** `dray apply FILE`: what is there becomes what the file says, once a person has seen what that means. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Section, sections, type Wanted } from '../../../shared/api/apply.ts'
import { DrayError, toDrayError } from '../../../shared/error.ts'
import { visible } from '../../../shared/key.ts'
import { confirm, isAsked } from '../confirm.ts'
import { exitCodes, type Io, throwIfInterrupted } from '../io.ts'
import { type AskOptions, withSomePlane } from '../plane.ts'
import type { PlaneClient } from '../plane-client.ts'
import { type ApplyDocument, readDocument } from './document.ts'
import { type Noun, nouns } from './nouns.ts'
import { type Change, countsText, planOf, planText, type State, titleOf } from './plan.ts'

export interface ApplyOptions extends AskOptions {
  plan?: true
  yes?: true
  prune?: true
}

export async function apply(file: string, options: ApplyOptions, io: Io): Promise<number> {
  const document = readDocument(textOf(file, io), file)
  return withSomePlane(options, io, async (plane) => {
    const state = await stateOf(plane, document.wanted)
    refuseUnknown(document, state, plane)
    const wanted = withAddresses(document, state, io.env)
    return carryOut(planOf(wanted, state, options.prune ?? false), document, plane, options, io)
  })
}

async function carryOut(
  changes: readonly Change[],
  document: ApplyDocument,
  plane: PlaneClient,
  options: ApplyOptions,
  io: Io,
): Promise<number> {
  const todo = changes.filter(({ action }) => action !== 'keep')
  const tell = (done: readonly Change[], code: number) => {
    if (options.json) io.stdout.write(`${JSON.stringify(toJson(changes, done))}\n`)
    return code
  }
  if (!options.json) {
    io.stdout.write(visible(planText(changes)))
    io.stdout.write(
      `${changes.length > 0 ? '\n' : ''}Plan for workspace ${plane.workspace}: ${countsText(changes)}.\n`,
    )
  }
  refuseImpossible(changes, document)
  if (todo.length === 0) return tell([], exitCodes.equal)
  if (options.plan) return tell([], exitCodes.incomplete)
  if (!options.yes) {
    if (!isAsked(io)) {
      io.stderr.write('Nothing was changed: nobody is there to agree. Give --yes to apply this.\n')
      return tell([], exitCodes.incomplete)
    }
    if (!(await confirm('Apply this?', io))) {
      io.stderr.write('Nothing was changed.\n')
      return tell([], exitCodes.incomplete)
    }
  }
  const done: Change[] = []
  for (const change of todo) {
    try {
      throwIfInterrupted(io.signal)
      await make(change, plane)
      done.push(change)
      if (!options.json) io.stdout.write(visible(`${doneWords[change.action]} ${titleOf(change)}\n`))
    } catch (error) {
      io.stderr.write(visible(stoppedText(change, todo.slice(done.length + 1), error, document)))
      tell(done, exitCodes.incomplete)
      return io.signal.aborted ? exitCodes.interrupted : exitCodes.incomplete
    }
  }
  io.stderr.write(visible(whatIsLeft(done)))
  return tell(done, exitCodes.equal)
}

const doneWords = {
  create: 'created',
  change: 'changed',
  delete: 'deleted',
  keep: '',
  impossible: '',
} as const

function textOf(file: string, io: Io): string {
  try {
    return readFileSync(file === '-' ? 0 : resolve(io.cwd, file), 'utf8')
  } catch (cause) {
    throw new DrayError(
      'usage',
      'read the file',
      `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      { hint: 'Check the path and its rights. dray apply --export writes a file to begin with.', cause },
    )
  }
}

/** Of the sections that the file has: of others it says nothing. */
export async function stateOf(
  plane: PlaneClient,
  wanted: { readonly [S in Section]?: unknown },
): Promise<State> {
  const read = sections.filter((section) => wanted[section] !== undefined)
  const known = await Promise.all(read.map(async (section) => [section, await nouns[section].read(plane)]))
  return Object.fromEntries(known)
}

/** `$NAME` is what the environment has under it; where it has nothing, the address stays as it is. */
function withAddresses({ wanted, at }: ApplyDocument, state: State, env: NodeJS.ProcessEnv): Wanted {
  if (!wanted.webhooks) return wanted
  const webhooks = Object.entries(wanted.webhooks).map(([id, item]) => {
    if (!item.url.startsWith('$')) return [id, item]
    const name = item.url.slice(1)
    const url = env[name] || state.webhooks?.get(id)?.item.url
    if (url !== undefined && URL.canParse(url)) return [id, { ...item, url }]
    throw new DrayError(
      'usage',
      'read the file',
      `${at('webhooks', id, 'url')}: webhooks.${id}.url: the environment has no address in ${name}`,
      { hint: `Set ${name} to the address of the webhook.` },
    )
  })
  return { ...wanted, webhooks: Object.fromEntries(webhooks) }
}

/** Names that lead nowhere, where the file and the control plane were both looked at. */
function refuseUnknown({ wanted, at }: ApplyDocument, state: State, plane: PlaneClient): void {
  const check = (section: 'connections' | 'migrations', id: string, path: string[]) => {
    if (!wanted[section] || Object.hasOwn(wanted[section], id) || state[section]?.has(id)) return
    const noun = nouns[section].name
    throw new DrayError(
      'usage',
      'read the file',
      `${at(...path)}: ${path.join('.')}: there is no ${noun} ${id}, in the file or in workspace ${plane.workspace}`,
      { hint: `Correct the name, or add it to ${section}.` },
    )
  }
  for (const [id, item] of Object.entries(wanted.migrations ?? {})) {
    for (const side of ['source', 'destination'] as const) {
      const { kind } = item[side]
      const connection = kind === 's3' ? item[side].connection : undefined
      if (connection !== undefined) check('connections', connection, ['migrations', id, side, 'connection'])
    }
  }
  for (const [id, { migration }] of Object.entries(wanted.schedules ?? {})) {
    check('migrations', migration, ['schedules', id, 'migration'])
  }
}

function refuseImpossible(changes: readonly Change[], { at }: ApplyDocument): void {
  const change = changes.find(({ action }) => action === 'impossible')
  if (!change) return
  const { section, id, fields } = change
  const [field = ''] = fields.map((each) => each.field)
  throw new DrayError(
    'usage',
    'plan',
    `${at(section, id, ...field.split('.'))}: ${titleOf(change)} is there with another ${field.split('.')[0]}, and does not change. Nothing was done`,
    {
      hint: `Give it another name in the file, or delete what is there first: dray ${nouns[section].name} delete ${id}`,
    },
  )
}

async function make(
  { section, id, action, item, revision, fields }: Change,
  plane: PlaneClient,
): Promise<void> {
  const noun = nouns[section] as Noun<Section>
  const changed = new Set(fields.map(({ field }) => field.split('.')[0]!))
  if (action === 'create') await noun.create(plane, id, item as never)
  else if (action === 'delete') await noun.remove(plane, id, revision)
  else await noun.edit(plane, id, item as never, revision, changed)
}

function stoppedText(
  change: Change,
  rest: readonly Change[],
  thrown: unknown,
  { at }: ApplyDocument,
): string {
  const error = toDrayError(thrown, 'apply')
  const where = change.action === 'delete' ? '' : `${at(change.section, change.id)}: `
  const hint =
    error.code === 'changed' || error.code === 'busy'
      ? `${error.hint ?? ''} Then run the same command again: it plans with what is there then.`.trim()
      : (error.hint ?? 'Correct it, and run the same command again.')
  const left = rest.map((each) => `  not done: ${each.action} ${titleOf(each)}\n`)
  return (
    `dray: ${where}${titleOf(change)}: ${error.message}\n  ${hint}\n` +
    `  not done: ${change.action} ${titleOf(change)}\n${left.join('')}`
  )
}

/** Secrets are no business of the file's. */
function whatIsLeft(done: readonly Change[]): string {
  return done
    .filter(({ action }) => action === 'create' || action === 'change')
    .flatMap(({ section, id, action, item, fields }) => {
      const { credential } = item as { credential?: unknown }
      const isMoved = fields.some(({ field }) => field === 'endpoint' || field === 'credential')
      if (section === 'connections' && credential === 'sealed' && isMoved) {
        return [`Now seal its secret: dray connection seal ${id}\n`]
      }
      if (section === 'webhooks' && action === 'create' && (item as { format?: string }).format === 'dray') {
        return [`For a signing secret of ${id}: dray webhook edit ${id} --new-secret\n`]
      }
      return []
    })
    .join('')
}

const toJson = (changes: readonly Change[], done: readonly Change[]) => ({
  changes: changes.map((change) => {
    const { section, id, action, fields } = change
    return { section, id, action, fields, done: done.includes(change) }
  }),
})
