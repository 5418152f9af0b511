/** The command itself: what it refuses, what it says, and what it never does. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import { run } from '../support/dray.ts'
import { childMirror } from './child.ts'
import { appKeys } from './stage.ts'

const side = { accessKeyId: 'SIDE', secretAccessKey: 'the secret of both sides' }

function here(): string {
  const dir = mkdtempSync(join(tmpdir(), 'dray-mirror-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

it.each([
  [['--new', 's3://b'], '--old is missing'],
  [['--old', 's3://a', '--new', '/tmp/b'], '--new is a path'],
  [
    ['--old', 's3://a', '--new', 's3://a/b', '--old-endpoint', 'http://x', '--new-endpoint', 'http://x'],
    'in one another',
  ],
  [['--old', 's3://a', '--new', 's3://b', '--listen', '9090'], '--listen is no address'],
  [['--old', 's3://a', '--new', 's3://b', '--tls-cert', 'x'], '--tls-cert and --tls-key'],
  [['switch', 'newer'], 'the side of record is "old" or "new"'],
  [['status'], 'no mirror answers'],
])('refuses %j', async (args, said) => {
  const { status, stderr } = await run(['mirror', ...args, '--state-dir', here()], {
    AWS_ACCESS_KEY_ID: side.accessKeyId,
    AWS_SECRET_ACCESS_KEY: side.secretAccessKey,
  })
  expect(stderr).toContain(said)
  expect(status).toBe(2)
})

it('makes keys of its own, tells where they are and never what they are, and has its directory alone', async () => {
  const stateDir = here()
  const credentials = { [side.accessKeyId]: side.secretAccessKey }
  const [old, fresh] = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
  old.createBucket('old')
  fresh.createBucket('new')
  const options = { old, new: fresh, stateDir, app: { accessKeyId: '', secretAccessKey: '' }, side }
  const mirror = await childMirror(options)
  onTestFinished(async () => {
    await mirror.kill()
    await Promise.all([old.stop(), fresh.stop()])
  })
  const file = join(stateDir, 'mirror', 'keys.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const keys: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'))
  const status = await run(['mirror', 'status', '--json', '--state-dir', stateDir])
  expect(JSON.parse(status.stdout)).toMatchObject({ record: 'old', open: 0, dirty: 0 })
  expect(status.status).toBe(0)
  expect((await run(['mirror', 'switch', 'new', '--state-dir', stateDir])).stdout).toMatch(/record +new/)
  await expect(childMirror({ ...options, app: appKeys })).rejects.toThrow('is using the state directory')

  mirror.running.child.kill('SIGTERM')
  const { stdout, stderr, status: code } = await mirror.running.ended
  expect(code).toBe(0)
  expect(stdout).toContain(file)
  const all = stdout + stderr + status.stdout
  for (const secret of [...Object.values(keys), side.secretAccessKey]) expect(all).not.toContain(secret)
  // Of the two stores' credentials nothing is kept.
  for (const name of readdirSync(join(stateDir, 'mirror')))
    expect(readFileSync(join(stateDir, 'mirror', name), 'latin1')).not.toContain(side.secretAccessKey)
})

it('does not start with a key that a store does not know, or on the journal of two other places', async () => {
  const stateDir = here()
  const credentials = { [side.accessKeyId]: side.secretAccessKey }
  const [old, fresh] = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
  onTestFinished(async () => {
    await Promise.all([old.stop(), fresh.stop()])
  })
  old.createBucket('old')
  fresh.createBucket('new')
  const options = { old, new: fresh, stateDir, app: appKeys, side }
  await expect(childMirror({ ...options, side: appKeys })).rejects.toThrow('access key')
  const mirror = await childMirror(options)
  await mirror.kill()
  await expect(childMirror({ ...options, args: ['--new', 's3://new/elsewhere'] })).rejects.toThrow(
    'belongs to a mirror whose new side is s3://new/',
  )
  await expect(childMirror({ ...options, args: ['--record', 'new'] })).rejects.toThrow(
    'dray mirror switch new',
  )
})
