/** Clients that people have, as they are: each is skipped where it is not installed. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { appKeys, type MirrorStage, mirrorStage } from './stage.ts'

const isInstalled = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
const has = { aws: isInstalled('aws'), rclone: isInstalled('rclone'), curl: isInstalled('curl') }
const unless = (program: keyof typeof has) => (has[program] ? '' : ` (${program} is not installed here)`)

function here(): string {
  const dir = mkdtempSync(join(tmpdir(), 'dray-mirror-client-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** What it prints; throws where it fails. Not waited for by blocking: the mirror is in this process. */
function call(program: string, args: string[], { mirror }: MirrorStage): Promise<string> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  const env = {
    ...Object.fromEntries(kept),
    AWS_ACCESS_KEY_ID: appKeys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: appKeys.secretAccessKey,
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: mirror.url.href,
    AWS_CONFIG_FILE: '/dev/null',
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_M_TYPE: 's3',
    RCLONE_CONFIG_M_PROVIDER: 'Other',
    RCLONE_CONFIG_M_ENV_AUTH: 'true',
    RCLONE_CONFIG_M_ENDPOINT: mirror.url.origin,
    RCLONE_CONFIG_M_REGION: 'eu-central-1',
  }
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve(said) : reject(new Error(`${program} ${args.join(' ')}: ${said}`)),
    )
  })
}

function tree(dir: string): Record<string, string> {
  const files: Record<string, string> = {
    'a.txt': 'a',
    'deep/er/b c.txt': 'with a blank',
    'deep/é+%&=.txt': 'hostile',
    'large.bin': 'large '.repeat(2_000_000),
  }
  for (const [name, body] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), body)
    // Older than what comes of it, to the second, by which clients tell what is new.
    utimesSync(join(dir, name), 1_700_000_000, 1_700_000_000)
  }
  return files
}

async function expectBoth(stage: MirrorStage, files: Record<string, string>): Promise<void> {
  await stage.settled()
  expect(await stage.stored('old')).toEqual(files)
  expect(await stage.stored('new')).toEqual(files)
}

it.skipIf(!has.aws)(
  `aws: sync, multipart, copy, list and remove${unless('aws')}`,
  async () => {
    const stage = await mirrorStage()
    const [from, back] = [here(), here()]
    const files = tree(from)
    const at = 's3://photos/up'
    await call('aws', ['s3', 'sync', from, at, '--no-progress'], stage)
    const under = (prefix: string) =>
      Object.fromEntries(Object.entries(files).map(([name, body]) => [`${prefix}/${name}`, body]))
    const shown = (map: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(map).map(([name, body]) => [name, Buffer.from(body).toString('latin1')]),
      )
    await expectBoth(stage, shown(under('up')))
    expect(await call('aws', ['s3', 'sync', from, at, '--no-progress'], stage)).toBe('')
    await call('aws', ['s3', 'cp', '--recursive', at, 's3://photos/again', '--no-progress'], stage)
    await call('aws', ['s3', 'sync', 's3://photos/again', back, '--no-progress'], stage)
    for (const [name, body] of Object.entries(files))
      expect(readFileSync(join(back, name), 'utf8')).toBe(body)
    expect(await call('aws', ['s3', 'ls', 's3://photos/up/'], stage)).toMatch(/PRE deep\/[\s\S]*a\.txt/)
    await call('aws', ['s3', 'rm', '--recursive', 's3://photos'], stage)
    await expectBoth(stage, {})
  },
  90_000,
)

it.skipIf(!has.rclone)(
  `rclone: sync, multipart, check, move and purge${unless('rclone')}`,
  async () => {
    const stage = await mirrorStage()
    const from = here()
    const files = tree(from)
    await call(
      'rclone',
      ['sync', from, 'm:photos/up', '--s3-upload-cutoff', '5M', '--s3-chunk-size', '5M'],
      stage,
    )
    await call('rclone', ['check', from, 'm:photos/up', '--download'], stage)
    await call('rclone', ['move', 'm:photos/up', 'm:photos/moved'], stage)
    const moved = Object.fromEntries(Object.entries(files).map(([name, body]) => [`moved/${name}`, body]))
    await expectBoth(stage, moved)
    await call('rclone', ['delete', 'm:photos'], stage)
    await expectBoth(stage, {})
  },
  90_000,
)
