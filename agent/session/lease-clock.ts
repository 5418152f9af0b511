/**
 * The agent's own measure of its leases: how long ago the plane can last have heard of it. Times are `performance.now()`,
 * which no change of the wall clock moves. Only what is known to have arrived counts: a heartbeat that was sent and never
 * answered renews nothing.
 */
export interface LeaseClock {
  /** Everything sent at or before `sentAt` has arrived. */
  confirm(sentAt: number): void
  /** Whether the plane may have given the leases away by now. */
  expired(now: number): boolean
}

export function startLeaseClock(leaseMs: number, confirmedAt: number): LeaseClock {
  let confirmed = confirmedAt
  return {
    confirm(sentAt) {
      confirmed = Math.max(confirmed, sentAt)
    },
    expired: (now) => now - confirmed >= leaseMs,
  }
}
