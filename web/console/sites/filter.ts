/** Which agents a page shows: chosen in its address, so that a link shows the same. */

export const states = ['trouble', 'connected', 'away', 'revoked'] as const
export interface Filter {
  readonly text?: string
  readonly site?: string
  /** Absent: all that are not revoked. */
  readonly state?: (typeof states)[number]
}

export function filterOf(search: Record<string, unknown>): Filter {
  const { text, site, state } = search
  const known = states.find((one) => one === state)
  return {
    ...(typeof text === 'string' && text !== '' && { text }),
    ...(typeof site === 'string' && site !== '' && { site }),
    ...(known && { state: known }),
  }
}
