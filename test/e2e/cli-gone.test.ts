/** In a file of its own, since it waits for the pauses between attempts while other files go on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import { start } from '../support/dray.ts'

it('ends with 1 and says why when the store goes away for good', { timeout: 120_000 }, async () => {
  const work = mkdtempSync(join(tmpdir(), 'dray-gone-'))
  onTestFinished(() => rmSync(work, { recursive: true }))
  const server = await startS3Server({ credentials: { KEY: 'secret' } })
  server.fill('from', { count: 300, key: (i) => `key-${i}`, size: () => 100 })
  server.createBucket('to')
  const reached = Promise.withResolvers<void>()
  server.hooks = {
    beforeRequest({ operation, nth }) {
      if (operation === 'PutObject' && nth === 100) reached.resolve()
      return null
    },
  }
  const { ended } = start(['copy', 's3://from', 's3://to', '--json', '--state-dir', join(work, 'state')], {
    AWS_ACCESS_KEY_ID: 'KEY',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL: server.url.href,
    AWS_CONFIG_FILE: join(work, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(work, 'none'),
  })
  await reached.promise
  await server.stop()
  const { status, stderr, stdout } = await ended
  expect(status).toBe(1)
  expect(JSON.parse(stdout).state).toBe('incomplete')
  expect(stderr).toContain(`Nothing listens at ${server.url.origin}`)
})
