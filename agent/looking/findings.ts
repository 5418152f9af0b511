/** Findings as they are gathered: each look ends as some, whatever goes wrong in it. */
import { toDrayError } from '../../shared/error.ts'
import { type Finding, sentence } from '../../shared/finding.ts'
import { inTime } from './in-time.ts'

type Where = Pick<Finding, 'kind' | 'side'>

export const found = (
  where: Where,
  outcome: Finding['outcome'],
  message: string,
  more: Partial<Pick<Finding, 'code' | 'hint'>> = {},
): Finding => {
  const { code = null, hint = null } = more
  const { kind, side } = where
  return {
    kind,
    side,
    outcome,
    code,
    message: sentence(message.slice(0, 2_400)),
    hint: hint?.slice(0, 1_000) ?? null,
  }
}

/** What stood in the way, as a finding: of what took too long nothing is known. */
export function obstacle(where: Where, thrown: unknown, outcome: Finding['outcome'] = 'stops'): Finding {
  const { code, message, hint } = toDrayError(thrown, where.kind)
  const isLate = code === 'timeout' || code === 'interrupted'
  const text = code === 'interrupted' ? 'There was no time left to find out.' : message
  return found(where, isLate ? 'unknown' : outcome, text, { code, hint })
}

/** Runs `look` for `ms` at most. */
export async function looked(
  where: Where,
  ms: number,
  look: (signal: AbortSignal) => Promise<Finding[]>,
  otherwise: Finding['outcome'] = 'stops',
): Promise<Finding[]> {
  try {
    const hint = 'It is found out when the pass begins; or try again.'
    return await inTime(ms, where.kind, look, hint)
  } catch (thrown) {
    return [obstacle(where, thrown, otherwise)]
  }
}
