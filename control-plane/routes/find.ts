/** Path and query parameters, parsed; and what they name, or 404. */
import type { Context } from 'hono'
import * as z from 'zod'
import { type MigrationView, migrationIdSchema, type NewMigration } from '../../shared/api/migrations.ts'
import { type Env, workspace } from '../env.ts'
import type { Migration } from '../migration.ts'
import { Catalogue } from '../store/catalogue.ts'
import { Refusal } from './problem.ts'

export type Asked = Context<{ Bindings: Env }>

const positive = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const catalogueOf = (context: Asked) => new Catalogue(context.env.DB, workspace)

/** A number in the path; what is none names nothing. */
export function numberIn(context: Asked, name: string, text = context.req.param(name)): number {
  const parsed = positive.safeParse(text)
  if (!parsed.success) throw new Refusal(404, 'not-found', `there is no ${name} ${text}`)
  return parsed.data
}

export async function findMigration(context: Asked): Promise<MigrationView> {
  const id = context.req.param('id') ?? ''
  const known = migrationIdSchema.safeParse(id).success ? await catalogueOf(context).migration(id) : null
  if (!known) throw new Refusal(404, 'not-found', `there is no migration ${id}`)
  return known
}

/** What defines it: that which never changes. */
export const definitionOf = ({
  source,
  destination,
  filter,
  mapping,
  manifest,
}: NewMigration): NewMigration => ({
  source,
  destination,
  filter,
  ...(mapping && { mapping }),
  ...(manifest && { manifest }),
})

/** The live object of a migration that the catalogue knows: no other object is ever touched. */
export async function findObject(context: Asked): Promise<DurableObjectStub<Migration>> {
  const { id } = await findMigration(context)
  return context.env.MIGRATION.getByName(`${workspace}/${id}`)
}

/** `value`, or 404 for the pass that the path names. */
export function orNoPass<T>(value: T | null, number: number): T {
  if (value === null) throw new Refusal(404, 'not-found', `there is no pass ${number}`)
  return value
}

/** The cursor of a page, if one is given that this kind of list gives. */
export function cursorIn(context: Asked, pattern: RegExp): string | null {
  const cursor = context.req.query('cursor')
  if (cursor === undefined) return null
  if (!pattern.test(cursor)) throw new Refusal(400, 'usage', 'the cursor is none that this list gave')
  return cursor
}
