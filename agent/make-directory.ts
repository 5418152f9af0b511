import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs'
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

/** Takes away what `makeDirectory` made, as far as it is empty. */
export function unmakeDirectory(made: readonly string[]): void {
  try {
    for (const path of made.toReversed()) rmdirSync(path)
  } catch {
    // Somebody put something there meanwhile, or took it away: then it stays as it is.
  }
}
