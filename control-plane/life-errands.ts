/** What a migration's life wants done outside of its transactions: whatever needs the catalogue, or an agent. What comes of it is told to the life. */
import type { MigrationView } from '../shared/api/migrations.ts'
import { type Answer, type Ask, abortedUploads } from '../shared/asks.ts'
import type { Location } from '../shared/location.ts'
import { noFilter, type PassOptions } from '../shared/policy.ts'
import type { Certified } from './certification.ts'
import type { Errand } from './core/errand.ts'
import { optionsOf } from './core/life-pass.ts'
import type { Life, LifeEvent, Purpose } from './core/life-state.ts'
import { reachOfAll } from './core/place.ts'
import { refuseNoWayBack } from './core/way-back.ts'
import type { Env } from './env.ts'
import type { Definition, MigrationTables } from './migration-tables.ts'
import { refuseBlindDelete } from './routes/begin-pass.ts'
import { findMigration } from './routes/find.ts'
import { Refusal } from './routes/problem.ts'
import { resolvedLocation, wholeDefinition } from './routes/resolve.ts'
import { Scope, system } from './store/scope.ts'
import type { UploadRow } from './upload-table.ts'

/** Rows of uploads that are looked at in one go. */
const uploadsAtOnce = 50

/** Of a migration, what its life goes by. */
export type Defined = Pick<Life, 'follow' | 'noWayBack'>
export const definedBy = (migration: MigrationView): Defined => ({
  follow: migration.follow,
  noWayBack: refuseNoWayBack(migration),
})

export interface ErrandsAround {
  readonly env: Env
  readonly tables: MigrationTables
  readonly workspace: string
  readonly id: string
  certify(pass: number): Promise<Certified | null>
  /** Whether the life is what it was when the errand was begun. */
  isStill(life: Life): boolean
  /** Tells the life what came of it, where it still is what it was. */
  hear(life: Life, event: LifeEvent): void
  /** Whether that is news to the life. */
  define(defined: Defined): boolean
  begin(definition: Definition, options: PassOptions, purpose: Purpose, life: Life): void
  commit(change: () => void): void
}

/** Throws where it could not be done. */
export async function doErrand(errand: Errand, life: Life, around: ErrandsAround): Promise<void> {
  switch (errand.is) {
    case 'begin':
      return begin(errand.purpose, life, around)
    case 'uploads':
      return askForUploads(life, around)
    case 'certify':
      return certify(errand.pass, life, around)
    case 'clear':
      return clear(life, around)
    default:
      errand satisfies never
  }
}

/** What of an error the life tells. */
export function messageOf(error: unknown): string {
  if (error instanceof Refusal) return error.hint ? `${error.message}. ${error.hint}` : `${error.message}.`
  console.warn('an errand of a life failed', error)
  return 'The control plane could not do it; its log says why.'
}

const scopeOf = ({ env, workspace }: ErrandsAround) => new Scope(env.DB, workspace, system)

/** With the definition, the connections and the policy as they are now. */
async function begin(purpose: Purpose, life: Life, around: ErrandsAround): Promise<void> {
  const { workspace, id } = around
  const scope = scopeOf(around)
  const migration = await findMigration(scope, id)
  if (!around.isStill(life) || around.define(definedBy(migration))) return
  const options = optionsOf(life, purpose, migration.policy)
  refuseBlindDelete(migration, options)
  const definition = { id, workspace, ...(await wholeDefinition(scope, migration)) }
  around.begin(definition, options, purpose, life)
}

async function certify(pass: number, life: Life, around: ErrandsAround): Promise<void> {
  const certified = await around.certify(pass)
  if (!certified) throw new Error(`there is no pass ${pass} to certify`)
  if ('refused' in certified) {
    const { code, message, hint } = certified.refused
    throw new Refusal(409, code, message, hint)
  }
  const { root, issuedAt } = certified.statement
  around.hear(life, { t: 'certified', pass, root, issuedAt })
}

/** Of the side that is left. In a directory there are none. */
async function askForUploads(life: Life, around: ErrandsAround): Promise<void> {
  const scope = scopeOf(around)
  const { source, destination, filter } = await findMigration(scope, around.id)
  const isSource = life.direction === 'forward'
  const location = await resolvedLocation(scope, isSource ? source : destination)
  if (location.kind === 'file') {
    around.hear(life, { t: 'uploads', open: 0, more: false })
    return
  }
  // The filter is of the source's keys.
  const looked = isSource ? filter : noFilter
  const { others, more } = await askAgent(around, { kind: 'open-uploads', location, filter: looked })
  around.hear(life, { t: 'uploads', open: others, more })
}

/** All that its passes have begun and not ended, at whichever side: some at a time. */
async function clear(life: Life, around: ErrandsAround): Promise<void> {
  const { tables } = around
  const scope = scopeOf(around)
  const directionOf = ({ packet }: UploadRow) =>
    tables.passes.ofPacket(packet)?.options.direction ?? 'forward'
  for (;;) {
    const rows = tables.uploads.some(uploadsAtOnce)
    if (rows.length === 0) break
    const direction = directionOf(rows[0]!)
    const some = rows.filter((row) => directionOf(row) === direction)
    const { source, destination } = await findMigration(scope, around.id)
    const location = await resolvedLocation(scope, direction === 'forward' ? destination : source)
    const uploads = some.flatMap(({ key, upload, begun, stale }) =>
      [upload, ...stale].map((each) => ({ key, upload: each, begun })),
    )
    for (let at = 0; at < uploads.length; at += abortedUploads)
      await askAgent(around, {
        kind: 'abort-uploads',
        location,
        uploads: uploads.slice(at, at + abortedUploads),
      })
    // Begun again meanwhile: they are its passes' again.
    if (!around.isStill(life)) return
    around.commit(() => {
      for (const { id } of some) tables.uploads.delete(id)
    })
  }
  around.hear(life, { t: 'cleared' })
}

async function askAgent<K extends Ask['kind']>(
  { env, workspace }: ErrandsAround,
  ask: Ask & { kind: K; location: Location },
): Promise<Answer & { kind: K }> {
  const { location } = ask
  const reach = reachOfAll({ source: location, destination: location })
  const asked = await env.FLEET.getByName(workspace).ask(ask, reach)
  if ('error' in asked) throw new Refusal(409, asked.error.code, asked.error.message, asked.error.hint)
  // Which the fleet holds to the question.
  return asked.answer as Answer & { kind: K }
}
