/** What a deployment needs in the account: made where it is missing, left alone where it is there. */
import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import type { Target } from './target.ts'
import { DeployError, must, type Wrangler } from './wrangler.ts'

export async function checkLogin(wrangler: Wrangler): Promise<void> {
  const { status } = await wrangler(['whoami', '--json'])
  if (status === 0) return
  throw new DeployError(
    'nobody is logged in to Cloudflare here',
    'Log in with: npx wrangler login. In CI, set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID).',
  )
}

const databasesSchema = z.array(z.looseObject({ name: z.string(), uuid: z.string() }))

/** Its id, and whether it was made now. */
export async function ensureDatabase(
  wrangler: Wrangler,
  { name }: Target,
): Promise<{ id: string; made: boolean }> {
  const find = async () => {
    const { stdout } = await must(wrangler, 'Listing the databases', ['d1', 'list', '--json'])
    return databasesSchema.parse(jsonIn(stdout)).find((database) => database.name === name)?.uuid
  }
  const known = await find()
  if (known) return { id: known, made: false }
  await must(wrangler, 'Making the database', ['d1', 'create', name])
  const id = await find()
  if (!id)
    throw new DeployError(`the database ${name} was made, and is not listed`, 'Run the same command again.')
  return { id, made: true }
}

/** Whether it was made now. */
export async function ensureBucket(wrangler: Wrangler, { bucket }: Target): Promise<boolean> {
  const args = ['r2', 'bucket', 'info', bucket, '--json']
  const looked = await wrangler(args)
  if (looked.status === 0) return false
  if (!/10006|does not exist|not found/i.test(looked.said)) {
    await must(async () => looked, 'Looking for the bucket', args)
  }
  await must(wrangler, 'Making the bucket', ['r2', 'bucket', 'create', bucket])
  return true
}

export const secretNames = ['DRAY_AUTH_SECRET', 'DRAY_SETUP_TOKEN'] as const
export type SecretName = (typeof secretNames)[number]

/**
 * Values for those that the Worker does not have. What it has is never replaced: with another DRAY_AUTH_SECRET every session, second factor
 * and webhook would be lost. `anew`: those that are to be replaced all the same.
 */
export async function missingSecrets(
  wrangler: Wrangler,
  { name }: Target,
  anew: readonly SecretName[],
): Promise<Partial<Record<SecretName, string>>> {
  const args = ['secret', 'list', '--name', name, '--format', 'json']
  const listed = await wrangler(args)
  // Only where wrangler says so is the Worker a new one: any other failure must not look like one.
  const isNew = listed.status !== 0 && listed.said.includes(`Worker "${name}" not found`)
  if (!isNew) await must(async () => listed, 'Listing the secrets', args)
  const there = isNew ? [] : z.array(z.looseObject({ name: z.string() })).parse(jsonIn(listed.stdout))
  const has = (secret: SecretName) => there.some((known) => known.name === secret) && !anew.includes(secret)
  const missing = secretNames.filter((secret) => !has(secret))
  return Object.fromEntries(missing.map((secret) => [secret, randomBytes(32).toString('base64url')]))
}

/** wrangler may print warnings before its JSON. */
function jsonIn(stdout: string): unknown {
  const from = stdout.search(/^[[{]/m)
  try {
    return JSON.parse(stdout.slice(from))
  } catch {
    throw new DeployError(`wrangler answered what is no JSON: ${stdout.slice(0, 200)}`)
  }
}
