/** How an error is said: what is wrong in one sentence, then what to do. Stacks only for defects, and only when asked for. */
import { DrayError, toDrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { hints } from './hints.ts'

export function complaint(thrown: unknown, debug: boolean): string {
  const error = ownDisk(thrown) ?? toDrayError(thrown, 'run')
  const lines = [`dray: ${error.message.replace(/\s*\n\s*/g, ' ')}`]
  if (error.code === 'internal') {
    lines.push('  This is a defect of Dray: please report it (CONTRIBUTING.md says where)')
    if (!debug) lines.push('  with what the same command shows under DRAY_DEBUG=1.')
  } else {
    lines.push(`  ${error.hint ?? hints[error.code]}`)
  }
  if (debug) lines.push(...stacks(error))
  return visible(`${lines.join('\n')}\n`)
}

/** Trouble with Dray's own files: stores' errors were classified where they came from. Null for anything else. */
function ownDisk(thrown: unknown): DrayError | null {
  const { code, path } = (thrown ?? {}) as { code?: string; path?: string }
  const where = path ? ` at ${path}` : ''
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DrayError('no-space', 'write', `the disk that Dray keeps its state on is full${where}`, {
      hint: 'Free some space, or give another directory with --state-dir. The same command goes on.',
      cause: thrown,
    })
  }
  if (code === 'EROFS') {
    return new DrayError('read-only', 'write', `the disk that Dray keeps its state on is read-only${where}`, {
      hint: 'Give a directory that can be written with --state-dir.',
      cause: thrown,
    })
  }
  return null
}

function stacks(error: unknown): string[] {
  const lines: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    lines.push(at instanceof DrayError ? `${at.code} in "${at.op}": ${at.stack}` : String(at.stack))
  }
  return lines
}
