/**
 * Every message that an agent can send: what is heard by the agent whose lease it is about, and by another one of the workspace. Whoever
 * cannot open the socket says nothing on it (access.test.ts asks all).
 */
import { agentMessages, fleetAgentMessages } from '../shared/golden.ts'

/** `nothing`: taken, and not answered. `closed`: the socket is. */
export type Heard = 'welcome' | 'nothing' | 'ack' | 'stale' | 'invalid-request' | 'drop' | 'budget' | 'closed'

export interface MessageRow {
  readonly t: string
  readonly message: Readonly<Record<string, unknown>>
  readonly holder: Heard
  /** Another agent of the workspace, which names what it does not hold. */
  readonly other: Heard
}

/** The pass's first packet, a survey of everything, that the holder has. */
const lease = { packet: 1, generation: 1 }
const golden = (all: readonly { readonly t: string }[], t: string) => {
  const { seq: _, ...message } = all.find((each) => each.t === t) as { t: string; seq?: number }
  return message as Record<string, unknown>
}
const row = (t: string, holder: Heard, other: Heard, over: object = {}): MessageRow => ({
  ...{ t, holder, other, message: { ...golden(agentMessages, t), ...over } },
})
/** About the lease. */
const about = (t: string, holder: Heard, over: object = {}) => row(t, holder, 'stale', { ...lease, ...over })

export const migrationMessages: readonly MessageRow[] = [
  // A second one: the first is said before each of these.
  row('hello', 'closed', 'closed'),
  row('free', 'nothing', 'nothing', { n: 0 }),
  row('heartbeat', 'nothing', 'drop', { held: [lease] }),
  about('cut', 'ack'),
  about('split', 'ack'),
  about('outcome', 'invalid-request'),
  about('expand', 'invalid-request'),
  about('opened', 'invalid-request'),
  about('parts', 'invalid-request'),
  about('collapse', 'invalid-request'),
  about('failed', 'ack'),
  row('release', 'ack', 'ack', { held: [lease] }),
  row('cleared', 'ack', 'ack'),
  // Any agent that works for it may hear of changes; of that side they are nobody's.
  row('changed', 'ack', 'ack', { side: 'destination' }),
]

const fleetRow = (t: string, both: Heard): MessageRow => ({
  ...{ t, holder: both, other: both, message: golden(fleetAgentMessages, t) },
})

export const fleetMessages: readonly MessageRow[] = [
  fleetRow('hello', 'closed'),
  fleetRow('facts', 'nothing'),
  fleetRow('draining', 'nothing'),
  fleetRow('doing', 'nothing'),
  // To a question that nobody asked.
  fleetRow('answer', 'nothing'),
  fleetRow('usage', 'budget'),
]
