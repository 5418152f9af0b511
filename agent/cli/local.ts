/** Directories and files as SRC and DST: what is there, whether it can be read or written, and its real place. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  opendirSync,
  openSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { makeDirectory, unmakeDirectory } from '../make-directory.ts'
import type { Place } from './place.ts'

type LocalPlace = Extract<Place, { kind: 'file' }>

/** A directory as it is, or a single file as its directory and its name. Throws where nothing can be read. */
export function settleLocalSource(place: LocalPlace): { path: string; only: string | null } {
  const { path, folder } = place
  let itself: Stats
  let stats: Stats
  try {
    itself = lstatSync(path)
    stats = statSync(path)
  } catch (cause) {
    throw failed(`the source ${path} cannot be read`, cause)
  }
  if (stats.isDirectory()) {
    try {
      opendirSync(path).closeSync()
    } catch (cause) {
      throw failed(`the source ${path} cannot be read`, cause)
    }
    return { path, only: null }
  }
  if (folder) throw refuse(`the source ${path} is no directory`, 'Write it without the "/" at its end.')
  if (itself.isSymbolicLink()) {
    throw refuse(
      `the source ${path} is a symbolic link to a file`,
      `Name the file itself: ${realpathSync(path)}`,
    )
  }
  if (!stats.isFile()) {
    throw refuse(`the source ${path} is a device, a socket or a pipe`, 'Dray copies files and directories.')
  }
  try {
    closeSync(openSync(path, 'r'))
  } catch (cause) {
    throw failed(`the source ${path} cannot be read`, cause)
  }
  return { path: dirname(path), only: basename(path) }
}

/** Whether a directory is there already. Throws where something else is, or where it could not be listed. */
export function destinationExists(path: string): boolean {
  try {
    if (!statSync(path).isDirectory()) {
      throw refuse(
        `the destination ${path} exists and is no directory`,
        'Give a directory; what is copied goes into it under its own name.',
      )
    }
    opendirSync(path).closeSync()
    return true
  } catch (cause) {
    if (cause instanceof DrayError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw failed(`the destination ${path} cannot be used`, cause)
  }
}

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

const refuse = (message: string, hint: string) => new DrayError('usage', 'look', message, { hint })

function failed(what: string, cause: unknown): DrayError {
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
