/** Opens a location's storage. Nothing is asked of a store before its first use. */
import { join } from 'node:path'
import type { Location } from '../../shared/location.ts'
import type { Storage } from './storage.ts'

export interface OpenStorageOptions {
  /** The agent's own directory. */
  stateDir: string
  agentId: string
  symlinks: 'skip' | 'follow'
  /** Most concurrent requests. */
  connections: number
}

export async function openStorage(location: Location, options: OpenStorageOptions): Promise<Storage> {
  // Imported on demand: a command that moves files need not load the AWS SDK.
  switch (location.kind) {
    case 's3': {
      const { openS3Storage } = await import('./s3/s3-storage.ts')
      return openS3Storage(location, { connections: options.connections })
    }
    case 'file': {
      const { openFileStorage } = await import('./file/file-storage.ts')
      const { agentId, stateDir, symlinks } = options
      return openFileStorage(location, { agentId, symlinks, spillDir: join(stateDir, 'spill') })
    }
    default:
      return location satisfies never
  }
}
