/** Of two processes with one agent's identity, the one that began later works on; everybody who has to choose chooses by this. */
export interface Process {
  readonly session: string
  /** When it began (ms). */
  readonly started: number
}

/** Whether `one` began after `other`; where they began at once, their sessions' names decide, so that all decide alike. */
export const isNewer = (one: Process, other: Process): boolean =>
  one.started === other.started ? one.session > other.session : one.started > other.started
