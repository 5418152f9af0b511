/**
 * Who this person is at which control plane, after `dray login`: `logins.json` in the config directory, mode 0600, since a session is as good as
 * the person. The one that was signed in to last is the one that commands ask.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { writeWhole } from '../embed/state-dir.ts'

const loginSchema = z.object({
  /** The control plane's origin. */
  url: z.url(),
  token: z.string().min(16),
  /** The one that commands are about where they name none; null where the person has none yet. */
  workspace: z.string().nullable(),
})
export type Login = z.infer<typeof loginSchema>

/** The last one first. */
const fileSchema = z.object({ logins: z.array(loginSchema) })

const fileIn = (directory: string) => join(directory, 'logins.json')

/** That of a control plane; the last one where none is named; null where there is none. */
export function readLogin(directory: string, url?: URL): Login | null {
  const logins = read(directory)
  return (url ? logins.find((login) => login.url === url.origin) : logins[0]) ?? null
}

export function saveLogin(directory: string, login: Login): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  write(directory, [login, ...read(directory).filter(({ url }) => url !== login.url)])
}

export function forgetLogin(directory: string, url: string): void {
  write(
    directory,
    read(directory).filter((login) => login.url !== url),
  )
}

const write = (directory: string, logins: readonly Login[]) =>
  writeWhole(fileIn(directory), JSON.stringify({ logins }, null, 2))

function read(directory: string): Login[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(fileIn(directory), 'utf8'))).logins
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new DrayError(
      'config',
      'read who you are',
      `${fileIn(directory)} cannot be read, or is no JSON of ours`,
      {
        hint: 'Move it away, and sign in again with dray login URL.',
        cause: error,
      },
    )
  }
}
