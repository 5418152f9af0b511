/** How an error is said: what is wrong in one sentence, then what to do. Stacks only for defects, and only when asked for. */
import { DrayError, toDrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { hints } from './hints.ts'

export function complaint(thrown: unknown, debug: boolean): string {
  const error = toDrayError(thrown, 'run')
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

function stacks(error: unknown): string[] {
  const lines: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    lines.push(at instanceof DrayError ? `${at.code} in "${at.op}": ${at.stack}` : String(at.stack))
  }
  return lines
}
