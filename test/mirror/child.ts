/** The mirror as a process of its own, which a test can kill. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MirrorStatus } from '../../agent/mirror/mirror.ts'
import type { S3Server } from '../../agent/s3-server/s3-server.ts'
import { type Running, start } from '../support/dray.ts'

export interface ChildMirror {
  readonly url: URL
  readonly running: Running
  status(): Promise<MirrorStatus>
  /** Resolves when it is gone. */
  kill(): Promise<void>
  /** Resolves when no write is open and no key dirty. */
  settled(): Promise<void>
}

export interface ChildOptions {
  readonly old: Pick<S3Server, 'url'>
  readonly new: Pick<S3Server, 'url'>
  readonly stateDir: string
  readonly app: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly side: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
}

export async function childMirror(options: ChildOptions): Promise<ChildMirror> {
  const { old, new: fresh, stateDir, app, side, args = [], env = {} } = options
  const places = [
    '--old',
    's3://old',
    '--old-endpoint',
    old.url.href,
    '--new',
    's3://new',
    '--new-endpoint',
    fresh.url.href,
  ]
  const running = start(
    [
      'mirror',
      ...places,
      '--bucket',
      'photos',
      '--listen',
      '127.0.0.1:0',
      '--state-dir',
      stateDir,
      '--late',
      '0',
      ...args,
    ],
    {
      AWS_ACCESS_KEY_ID: side.accessKeyId,
      AWS_SECRET_ACCESS_KEY: side.secretAccessKey,
      AWS_REGION: 'us-east-1',
      DRAY_MIRROR_ACCESS_KEY_ID: app.accessKeyId,
      DRAY_MIRROR_SECRET_ACCESS_KEY: app.secretAccessKey,
      ...env,
    },
  )
  const url = await addressOf(running)
  const status = async (): Promise<MirrorStatus> => {
    const { controlToken } = JSON.parse(readFileSync(join(stateDir, 'mirror', 'keys.json'), 'utf8'))
    const answer = await fetch(new URL('/-/status', url), {
      headers: { authorization: `Bearer ${controlToken}` },
    })
    return (await answer.json()) as MirrorStatus
  }
  return {
    url,
    running,
    status,
    async kill() {
      running.child.kill('SIGKILL')
      await running.ended
    },
    async settled() {
      for (;;) {
        const { open, dirty } = await status()
        if (open + dirty === 0) return
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
}

/** Once it says where it is. */
function addressOf({ child, ended }: Running): Promise<URL> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout!.on('data', (text: string) => {
      said += text
      const [, url] = /Mirroring at (\S+),/.exec(said) ?? []
      if (url !== undefined) resolve(new URL(url))
    })
    ended.then(({ stderr }) => reject(new Error(`the mirror ended: ${stderr}`)))
  })
}
