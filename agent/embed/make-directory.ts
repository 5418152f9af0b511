import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a directory and its parents; adds to `made` those that were missing, outermost first, also where it throws. Not
 * by `recursive`, which never ends where a file system says of every new name that there is no such thing (/proc).
 */
export function makeDirectory(path: string, made: string[] = [], mode = 0o777): void {
  if (existsSync(path)) return
  makeDirectory(dirname(path), made, mode)
  try {
    mkdirSync(path, mode)
    made.push(path)
  } catch (error) {
    // Somebody else made it meanwhile.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}
