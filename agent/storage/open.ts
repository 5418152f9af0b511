/** Opens a location with the adapter for its kind, as it is: retry and remembered listings are the caller's to add. */
import { join } from 'node:path'
import type { Location } from '../../shared/location.ts'
import type { SealedKeys } from './s3/access.ts'
import type { Lanes } from './s3/lanes.ts'
import type { Storage } from './storage.ts'

export interface OpenStorageOptions {
  /** The agent's state directory: what listings spill goes to `agent/spill` in it. */
  readonly stateDir: string
  readonly agentId: string
  readonly symlinks: 'skip' | 'follow'
  /** Most requests at once. */
  readonly connections: number
  /** How many requests each endpoint gets, shared by all storages of the agent. */
  readonly lanes?: Lanes
  /** The environment: where keys of the customer's may be (s3/customer-key.ts), and the HTTP proxy (s3/proxy.ts). */
  readonly env?: NodeJS.ProcessEnv
  /** Whether reads ask for the checksums that a store keeps; not unless told. */
  readonly checksums?: boolean
  /** Where the keys of sealed connections come from. */
  readonly sealed?: SealedKeys
}

/** No request goes out here; credentials and configuration are looked up, and may turn out wrong (`config`). */
export async function openStorage(location: Location, options: OpenStorageOptions): Promise<Storage> {
  switch (location.kind) {
    case 'file': {
      // Its table of a thousand types of files, for one, is nothing to those between two stores.
      const { openFileStorage } = await import('./file/file-storage.ts')
      const { agentId, symlinks, stateDir, lanes } = options
      const throttle = lanes?.throttles.of(`file:${location.site}`)
      const spillDir = join(stateDir, 'agent', 'spill')
      return openFileStorage(location, { agentId, symlinks, spillDir, throttle })
    }
    case 's3': {
      // Who moves files does without the SDK's half second.
      const { openS3Storage } = await import('./s3/s3-storage.ts')
      const { connections, lanes, checksums = false, stateDir, env = {}, sealed } = options
      const more = { connections, lanes, checksums, env, sealed }
      const name = location.customerKey
      if (name === undefined) return openS3Storage(location, more)
      const { readCustomerKey } = await import('./s3/customer-key.ts')
      const customerKey = readCustomerKey(name, stateDir, env)
      return openS3Storage(location, { ...more, customerKey })
    }
    default:
      return location satisfies never
  }
}
