/** Where Dray itself is installed: the directory of its package.json, from the sources as from a bundle in dist/. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DrayError } from '../../shared/error.ts'

export function packageRoot(from: string = import.meta.dirname): string {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at
    if (at === dirname(at)) {
      throw new DrayError('config', 'start', `no package.json above ${from}`, {
        hint: 'This installation of Dray is not whole: install it again.',
      })
    }
  }
}
