import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { describeStorage } from './contract.ts'

describeStorage('file storage', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dray-file-'))
  const location = { kind: 'file', path: dir, site: 'here' } as const
  return {
    storage: openFileStorage(location, { agentId: 'agent', spillDir: `${dir}.spill`, symlinks: 'skip' }),
    leftovers: async () =>
      (await readdir(dir, { recursive: true })).filter((name) => name.includes('.dray-')),
    cleanup: () => rm(dir, { recursive: true }),
  }
})
