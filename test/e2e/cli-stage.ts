/** What a test of the command line plays on: a directory of its own, an S3 server of its own, and the command between them. */
import { once } from 'node:events'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { type ReportLine, reportLineSchema } from '../../shared/api/migrations.ts'
import { displayKey } from '../../shared/key.ts'
import { type Ended, type Result, type Running, resultOf, run, start } from '../support/dray.ts'
import { drayHere, type Said } from '../support/dray-here.ts'

export interface Stage {
  readonly server: S3Server
  readonly env: Record<string, string>
  at(...names: string[]): string
  tree(name: string, files: Record<string, string | Uint8Array>): string
  run(...args: string[]): Promise<Ended>
  json(...args: string[]): Promise<Ended & { result: Result }>
  start(...args: string[]): Running
  /** By key, as text of one character a byte. */
  stored(bucket: string): Promise<Record<string, string>>
  /** Lets `n` more objects be written and holds all others; `reached` when the first of those is there. */
  holdAfter(n: number): { reached: Promise<void>; release(): void }
}

/** Of the test's own context, since several tests play at once. */
export async function stage({ onTestFinished }: TestContext): Promise<Stage> {
  const work = mkdtempSync(join(tmpdir(), 'dray-cli-'))
  const server = await startS3Server({ credentials: { KEY: 'secret' } })
  onTestFinished(async () => {
    await server.stop()
    rmSync(work, { recursive: true, force: true })
  })
  const at = (...names: string[]) => join(work, ...names)
  const profile = ['[profile s3]', `endpoint_url = ${server.url.href}`, 'region = us-east-1']
  writeFileSync(at('config'), `${profile.join('\n')}\n`)
  writeFileSync(at('credentials'), '[s3]\naws_access_key_id = KEY\naws_secret_access_key = secret\n')
  const env = {
    AWS_CONFIG_FILE: at('config'),
    AWS_SHARED_CREDENTIALS_FILE: at('credentials'),
    AWS_PROFILE: 's3',
    DRAY_STATE_DIR: at('state'),
  }
  return {
    server,
    env,
    at,
    tree(name, files) {
      for (const [path, body] of Object.entries(files)) {
        mkdirSync(dirname(at(name, path)), { recursive: true })
        writeFileSync(at(name, path), body)
      }
      return at(name)
    },
    run: (...args) => run(args, env),
    async json(...args) {
      const ended = await run([...args, '--json'], env)
      return { ...ended, result: resultOf(ended) }
    },
    start: (...args) => start(args, env),
    async stored(bucket) {
      const found: Record<string, string> = {}
      for (const object of server.objects(bucket)) {
        found[displayKey(object.key)] = (await object.body()).toString('latin1')
      }
      return found
    },
    holdAfter(n) {
      const reached = Promise.withResolvers<void>()
      const held = Promise.withResolvers<void>()
      let left = n
      server.hooks = {
        async beforeRequest({ operation }) {
          const isWrite = operation === 'PutObject' || operation === 'CopyObject'
          if (!isWrite || left-- > 0) return null
          reached.resolve()
          await held.promise
          return null
        },
      }
      return {
        reached: reached.promise,
        release() {
          server.hooks = {}
          held.resolve()
        },
      }
    },
  }
}

/** The files of a directory, links left out. */
export const contents = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => lstatSync(join(root, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(root, name), 'latin1')]),
  )

export const report = (path: string): ReportLine[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => reportLineSchema.parse(JSON.parse(line)))

/** `copied a`, in order. */
export const reported = (path: string): string[] =>
  report(path)
    .map(({ key, outcome }) => `${outcome} ${key}`)
    .sort()

/** The same, beside a control plane and an agent that stay (`dray up`); `here`: a command that asks them, in this process. */
export async function upStage(
  context: TestContext,
): Promise<Stage & { here(...args: string[]): Promise<Said> }> {
  const up = await stage(context)
  const { child, ended } = up.start('up', '--port', '0')
  context.onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  await once(child.stdout!, 'data')
  const here = (...args: string[]) => drayHere(args, { cwd: up.at('.'), stateDir: up.at('state') })
  return { ...up, here }
}
