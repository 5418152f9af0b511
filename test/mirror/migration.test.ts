/** A mirror that belongs to a migration: what differs is told to it, and its cut-over switches the mirror. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { LifeState, LifeView } from '../../shared/life.ts'
import { noFilter } from '../../shared/policy.ts'
import { startPlane } from '../support/plane.ts'
import { childMirror } from './child.ts'
import { appAt, appKeys, mirrorStage } from './stage.ts'

const until = <T>(look: () => T | Promise<T>, is: (seen: T) => boolean) =>
  vi.waitUntil(async () => is(await look()), { timeout: 25_000, interval: 20 })

it('tells the control plane of keys that stay dirty, and following has them', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'dray-mirror-'))
  const side = { accessKeyId: 'SIDE', secretAccessKey: 'the secret of both sides' }
  const credentials = { [side.accessKeyId]: side.secretAccessKey }
  const [plane, old, fresh] = await Promise.all([
    startPlane(),
    startS3Server({ credentials }),
    startS3Server({ credentials }),
  ])
  old.createBucket('old')
  fresh.createBucket('new')
  const at = (bucket: string, endpoint: URL) => ({
    ...{
      kind: 's3',
      bucket,
      prefix: '',
      endpoint: endpoint.href,
      region: 'us-east-1',
      profile: null,
      site: null,
    },
  })
  const migration = '/api/workspaces/local/migrations/moving'
  const source = at('old', old.url)
  const destination = at('new', fresh.url)
  expect((await plane.api('PUT', migration, { source, destination, filter: noFilter })).status).toBe(201)
  expect((await plane.api('POST', `${migration}/life/start`, {})).status).toBe(200)
  const mirror = await childMirror({
    ...{ old, new: fresh, stateDir, app: appKeys, side },
    args: ['--migration', 'moving', '--control-plane', plane.url.href],
    env: { DRAY_TOKEN: plane.token },
  })
  const app = appAt(mirror.url)
  onTestFinished(async () => {
    app.destroy()
    await mirror.kill()
    await Promise.all([plane.stop(), old.stop(), fresh.stop()])
    rmSync(stateDir, { recursive: true, force: true })
  })
  fresh.hooks = {
    beforeRequest: ({ method }) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : null),
  }
  await app.send(new PutObjectCommand({ Bucket: 'photos', Key: 'é', Body: 'body' }))
  const life = async () => (await plane.api<LifeView>('GET', `${migration}/life`)).json
  await until(life, ({ lag }) => lag.events > 0)
  fresh.hooks = {}
  await mirror.settled()
  expect(fresh.object('new', 'é')?.size).toBe(4)
}, 40_000)

it('switches with the migration, and leaves alone what was switched by hand', async () => {
  let state: LifeState = 'following'
  let asked = 0
  const link = {
    migration: 'moving',
    tell: async () => {},
    state: async () => {
      asked++
      return state
    },
  }
  const stage = await mirrorStage({ link })
  const heard = async () => {
    const before = asked
    await until(
      () => asked,
      (now) => now >= before + 2,
    )
  }
  const record = () => stage.mirror.record
  await heard()
  expect(record()).toBe('old')
  state = 'cut-over'
  await until(record, (now) => now === 'new')
  await heard()
  await stage.mirror.switchTo('old')
  await heard()
  expect(record()).toBe('old')
  await stage.mirror.switchTo('new')
  state = 'rolled-back'
  await until(record, (now) => now === 'old')
}, 40_000)
