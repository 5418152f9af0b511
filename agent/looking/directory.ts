/** Directories that are looked at before anything is moved: where they really are, and whether files can be written there. */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, realpathSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { makeDirectory, unmakeDirectory } from '../make-directory.ts'

/**
 * Makes the directory and proves that files can be written to it. Returns what takes away again the directories that
 * were made for it, as far as they are empty. On failure nothing is left behind.
 */
export function makeWritable(path: string): () => void {
  const made: string[] = []
  try {
    makeDirectory(path, made)
    const probe = join(path, `.dray-${randomBytes(8).toString('hex')}.tmp`)
    try {
      closeSync(openSync(probe, 'wx', 0o600))
    } finally {
      rmSync(probe, { force: true })
    }
  } catch (cause) {
    unmakeDirectory(made)
    throw failed(`the destination ${path} cannot be written`, cause)
  }
  return () => unmakeDirectory(made)
}

/** Without links, for as much of the path as exists. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path))
  }
}

/** What the system said, in words, with what to do. */
export function failed(what: string, cause: unknown): DrayError {
  const { code, syscall } = cause as NodeJS.ErrnoException
  const [why, hint] = (syscall === 'mkdir' && code === 'ENOENT' ? nothingNew : reasons[code ?? '']) ?? [
    (cause as Error).message,
    null,
  ]
  return new DrayError('config', 'look', `${what}: ${why}`, { hint, cause })
}

const nothingNew = ['nothing can be made there', 'Choose another place.'] as const

const reasons: Record<string, [why: string, hint: string]> = {
  ENOENT: [
    'there is nothing of that name',
    'Check the spelling; relative paths begin at the current directory.',
  ],
  EEXIST: [
    'a symbolic link that leads nowhere stands there',
    'Make the directory that it leads to, or choose another place.',
  ],
  ENOTDIR: ['something on the way there is no directory', 'Check the path.'],
  EACCES: ['permission denied', 'Give yourself the right, or run as the owner of that directory.'],
  EPERM: ['not permitted', 'Give yourself the right, or run as the owner of that directory.'],
  EROFS: ['the file system is read-only', 'Mount it for writing, or choose another place.'],
  ENOSPC: ['no space is left', 'Make room there, or choose another place.'],
  EDQUOT: ['the quota is used up', 'Make room there, or choose another place.'],
  ELOOP: ['its symbolic links go in a circle', 'Give the real path.'],
  ENAMETOOLONG: ['the name is too long', 'Choose a shorter one.'],
}
