/** Directories and files as SRC and DST: what is there, whether it can be read. */
import { closeSync, lstatSync, opendirSync, openSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { DrayError } from '../../shared/error.ts'
import { failed } from '../looking/directory.ts'
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

const refuse = (message: string, hint: string) => new DrayError('usage', 'look', message, { hint })
