import type { Facts } from '../../shared/protocol.ts'

/** Those of an agent that tells nothing in particular. */
export const someFacts: Facts = {
  version: '0.1.0',
  host: 'somewhere.local',
  platform: 'linux x64',
  cores: 2,
  memory: 1_000_000,
  health: { load: 0, stateFree: null },
  clockMs: 0,
  reach: [],
}
