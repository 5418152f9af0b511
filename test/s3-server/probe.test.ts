/** The project's server is held to the checks that a real one is held to (test/s3/probe-radosgw.test.ts). */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import { probe } from '../support/s3-probe.ts'

const credentials = { AKIDPROBE: 'secret' }

async function failures(options: { dir?: string }): Promise<string[]> {
  const server = await startS3Server({ credentials, ...options })
  try {
    const checks = await probe({ endpoint: server.url.href, key: 'AKIDPROBE', secret: 'secret' })
    expect(checks.length).toBe(63)
    return checks.filter((check) => !check.ok).map(({ name, detail }) => `${name}: ${detail}`)
  } finally {
    await server.stop()
  }
}

it('passes every check of the probe with bodies in memory', async () => {
  expect(await failures({})).toEqual([])
})

it('passes every check of the probe with bodies on disk, and leaves none behind', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'dray-s3-server-'))
  try {
    expect(await failures({ dir })).toEqual([])
    expect(readdirSync(dir)).toEqual([])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
