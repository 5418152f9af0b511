/** Files that hold keys: readable by their owner alone, made whole and once. */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import type * as z from 'zod'
import { DrayError } from '../../shared/error.ts'

/** Null where there is none. Throws where others may read it, and where it is not what it should be. */
export function readOwn<T>(file: string, schema: z.ZodType<T>): T | null {
  let text: string
  try {
    const { mode } = statSync(file)
    if ((mode & 0o077) !== 0) throw loose(file, mode)
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof DrayError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new DrayError('config', 'read the keys', `${file} cannot be read: ${(cause as Error).message}`, {
      hint: 'Run as the owner of that file.',
      cause,
    })
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new DrayError('config', 'read the keys', `${file} is damaged`, {
      hint: 'Put it back from a backup, or move it away and let the agent join again.',
      cause,
    })
  }
}

/** False where it is there already: that one is left as it is. */
export function makeOwn(file: string, content: unknown): boolean {
  const temporary = `${file}.${process.pid}.tmp`
  rmSync(temporary, { force: true })
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    // Whatever the umask is.
    fchmodSync(fd, 0o600)
    writeSync(fd, `${JSON.stringify(content)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  try {
    // A link never takes the place of another file, as a rename does.
    linkSync(temporary, file)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cause
  } finally {
    rmSync(temporary, { force: true })
  }
}

const loose = (file: string, mode: number) =>
  new DrayError(
    'config',
    'read the keys',
    `${file} holds private keys, and others may read it (mode ${(mode & 0o777).toString(8)})`,
    {
      hint: `Make it yours alone: chmod 600 '${file}'. If others may have read it, revoke this agent and let it join again.`,
    },
  )
