/** A mirror in this process, between two S3 servers, and an application that speaks to it through the AWS SDK. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { onTestFinished, vi } from 'vitest'
import { type Mirror, type MirrorOptions, startMirror } from '../../agent/mirror/mirror.ts'
import { type S3Server, type S3ServerOptions, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { displayKey, type Key } from '../../shared/key.ts'
import type { S3Location } from '../../shared/location.ts'

export interface MirrorStage {
  readonly old: S3Server
  readonly new: S3Server
  readonly stateDir: string
  mirror: Mirror
  /** The application. */
  readonly app: S3Client
  /** Ends this one and starts another on the same state directory. */
  restart(more?: Partial<MirrorOptions>): Promise<void>
  /** What stands on a side, by key as the application calls it. */
  stored(side: 'old' | 'new'): Promise<Record<string, string>>
  /** Resolves when no key is dirty. */
  settled(): Promise<void>
}

export const appKeys = { accessKeyId: 'APPLICATION', secretAccessKey: 'the secret of the application' }
const sideKeys = { accessKeyId: 'SIDE', secretAccessKey: 'the secret of both sides' }

export interface StageOptions extends Partial<MirrorOptions> {
  oldServer?: Partial<S3ServerOptions>
  newServer?: Partial<S3ServerOptions>
  oldPrefix?: string
  newPrefix?: string
}

export async function mirrorStage(options: StageOptions = {}): Promise<MirrorStage> {
  const { oldServer, newServer, oldPrefix = '', newPrefix = '', ...more } = options
  const stateDir = mkdtempSync(join(tmpdir(), 'dray-mirror-'))
  const credentials = { [sideKeys.accessKeyId]: sideKeys.secretAccessKey }
  const [old, fresh] = await Promise.all([
    startS3Server({ credentials, ...oldServer }),
    startS3Server({ credentials, ...newServer }),
  ])
  old.createBucket('old')
  fresh.createBucket('new')
  const at = (server: S3Server, bucket: string, prefix: string): S3Location => ({
    kind: 's3',
    bucket,
    prefix,
    endpoint: server.url.href,
    region: 'us-east-1',
    profile: null,
    site: null,
  })
  const begin = (again: Partial<MirrorOptions> = {}) =>
    startMirror({
      old: at(old, 'old', oldPrefix),
      new: at(fresh, 'new', newPrefix),
      bucket: 'photos',
      stateDir,
      host: '127.0.0.1',
      port: 0,
      tls: null,
      credentials: { [appKeys.accessKeyId]: appKeys.secretAccessKey },
      controlToken: 'control'.repeat(8),
      reads: 'auto',
      requests: 64,
      link: null,
      env: {},
      lateMs: 200,
      log: () => {},
      ...more,
      ...again,
    })
  vi.stubEnv('AWS_ACCESS_KEY_ID', sideKeys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', sideKeys.secretAccessKey)
  let mirror = await begin()
  let app = appAt(mirror.url)
  const apps: S3Client[] = []
  const stored = async (side: 'old' | 'new') => {
    const [server, bucket, prefix] = side === 'old' ? [old, 'old', oldPrefix] : [fresh, 'new', newPrefix]
    const found: Record<string, string> = {}
    for (const { key, body } of server.objects(bucket))
      if (key.startsWith(prefix))
        found[displayKey(key.slice(prefix.length) as Key)] = (await body()).toString('latin1')
    return found
  }
  onTestFinished(async () => {
    for (const each of [...apps, app]) each.destroy()
    await mirror.stop()
    await Promise.all([old.stop(), fresh.stop()])
    rmSync(stateDir, { recursive: true, force: true })
  })
  return {
    old,
    new: fresh,
    stateDir,
    get mirror() {
      return mirror
    },
    get app() {
      return app
    },
    async restart(again = {}) {
      // Not before it has heard all answers.
      apps.push(app)
      await mirror.stop()
      mirror = await begin(again)
      app = appAt(mirror.url)
    },
    stored,
    settled: () => settled(mirror),
  }
}

export const appAt = (url: URL): S3Client =>
  new S3Client({
    endpoint: url.href,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: appKeys,
    maxAttempts: 1,
  })

export async function settled(mirror: Mirror): Promise<void> {
  await mirror.journal.flushed()
  while (mirror.journal.figures.dirty + mirror.journal.open > 0) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    await mirror.journal.flushed()
  }
}
