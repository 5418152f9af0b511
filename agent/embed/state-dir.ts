/**
 * The state directory: everything that Dray remembers on this machine. One process at a time owns it, by an
 * exclusive lock on `lock.sqlite` that the kernel drops when the process ends, however it ends (kill -9 too). Who
 * holds it stands beside the lock, in `holder.json`, for people and for `dray migrations`; it is never the lock itself.
 */
import {
  accessSync,
  constants,
  opendirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import envPaths from 'env-paths'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { makeDirectory } from '../make-directory.ts'

const holderSchema = z.object({
  pid: z.number().int().positive(),
  /** ISO 8601. */
  since: z.string(),
  /** `copy`, `up`, … */
  command: z.string(),
  /** Of its control plane, once that answers. */
  url: z.string().nullable(),
})
export type Holder = z.infer<typeof holderSchema>

export interface StateDir {
  /** Absolute, without links. */
  readonly path: string
  /** Tells others where this process's control plane is. */
  announce(url: URL): void
  /** Gives the lock back; nothing may touch the directory after that. */
  release(): void
}

export const defaultStateDir = (): string => envPaths('dray', { suffix: '' }).data

/** Makes the directory where it is missing and takes the lock; `busy` where another process has it. */
export function openStateDir(path: string, command: string): StateDir {
  const real = make(path)
  const lock = takeLock(real)
  const holder: Holder = { pid: process.pid, since: new Date().toISOString(), command, url: null }
  writeWhole(join(real, 'holder.json'), JSON.stringify(holder))
  return {
    path: real,
    announce: (url) => writeWhole(join(real, 'holder.json'), JSON.stringify({ ...holder, url: url.href })),
    release: () => {
      rmSync(join(real, 'holder.json'), { force: true })
      lock.close()
    },
  }
}

/** Whoever says that it holds the directory; null where nobody does. It may have ended since. */
export function readHolder(path: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(join(path, 'holder.json'), 'utf8')))
  } catch {
    return null
  }
}

/** Whole or not at all, readable by the owner only. */
export function writeWhole(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, `${text}\n`, { mode: 0o600 })
  renameSync(temporary, file)
}

export function damaged(file: string, cause: unknown): DrayError {
  return new DrayError(
    'config',
    'start',
    `${file} cannot be read: ${(cause as Error).message.split('\n')[0]}`,
    {
      hint: 'Give another directory with --state-dir, or move that file away; Dray makes a new one.',
      cause,
    },
  )
}

function make(path: string): string {
  try {
    makeDirectory(path, [], 0o700)
    const real = realpathSync(path)
    // Said as what it is: the check of rights below calls it a lack of them.
    opendirSync(real).closeSync()
    accessSync(real, constants.W_OK | constants.X_OK)
    return real
  } catch (cause) {
    throw new DrayError('config', 'start', `the state directory ${path} cannot be used: ${reason(cause)}`, {
      hint: 'Give a directory that you may write with --state-dir (or DRAY_STATE_DIR).',
      cause,
    })
  }
}

function takeLock(path: string): DatabaseSync {
  const file = join(path, 'lock.sqlite')
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock?.close()
    if ((cause as { errcode?: number }).errcode === 5 /* SQLITE_BUSY */) throw busy(path, cause)
    throw new DrayError('config', 'start', `${file} cannot be locked: ${reason(cause)}`, {
      hint: 'Give a directory on a local disk with --state-dir (or DRAY_STATE_DIR).',
      cause,
    })
  }
}

function busy(path: string, cause: unknown): DrayError {
  const holder = readHolder(path)
  const who = holder
    ? `another Dray (dray ${holder.command}, pid ${holder.pid}, since ${holder.since})`
    : 'another Dray'
  return new DrayError('busy', 'start', `${who} is using the state directory ${path}`, {
    hint: `Wait for it${holder ? `, or stop it (kill ${holder.pid})` : ''}, or give another directory with --state-dir.`,
    cause,
  })
}

function reason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'ENOTDIR':
    case 'EEXIST':
      return 'it is, or lies below, something that is no directory'
    case 'ENOENT':
      return 'nothing can be made there'
    case 'EROFS':
      return 'its file system is read-only'
    case 'ENOSPC':
      return 'no space is left there'
    default:
      return message
  }
}
