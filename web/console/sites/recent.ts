/** How fast each agent was, for as long as the console is open: what the control plane told, in a ring. Nothing of it is stored anywhere. */
import { useSyncExternalStore } from 'react'
import type { AgentView } from '../../../shared/api/agents.ts'

/** Some five minutes. */
const mostPoints = 60
/** Ms: two looks that are nearer tell the same. */
const apart = 2_500

interface Ring {
  readonly at: number
  /** Bytes a second, the newest last. */
  readonly points: readonly number[]
}

const rings = new Map<string, Ring>()
const listeners = new Set<() => void>()
const none: readonly number[] = []

const nameOf = (workspace: string, agent: string) => `${workspace}/${agent}`

export const rateOf = ({ doing }: Pick<AgentView, 'doing'>) => ({
  objects: (doing ?? []).reduce((sum, one) => sum + one.objects, 0),
  bytes: (doing ?? []).reduce((sum, one) => sum + one.bytes, 0),
})

export function remember(workspace: string, agents: readonly AgentView[], now: number): void {
  for (const agent of agents) {
    const name = nameOf(workspace, agent.id)
    const ring = rings.get(name)
    if (ring ? now - ring.at < apart : !agent.connected) continue
    const points = [...(ring?.points ?? none), rateOf(agent).bytes].slice(-mostPoints)
    rings.set(name, { at: now, points })
  }
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useRecent = (workspace: string, agent: string): readonly number[] =>
  useSyncExternalStore(subscribe, () => rings.get(nameOf(workspace, agent))?.points ?? none)
