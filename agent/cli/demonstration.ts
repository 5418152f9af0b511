/**
 * `npm start` without arguments: Dray shown on real parts in well under a minute. A sample tree goes into an S3 server
 * that is started for it and is then verified; everything is in one temporary directory, which is removed.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startS3Server } from '../s3-server/s3-server.ts'
import { plural } from './figures.ts'
import { exitCodes, type Io, throwIfInterrupted } from './io.ts'
import { parseRequest } from './request.ts'
import { runPass } from './run-pass.ts'

const files = 2_000
const largeBytes = 64 * 1024 * 1024
const bucket = 'demo'
const accessKey = 'DEMOACCESSKEY0000000'
const secretKey = randomBytes(30).toString('base64url')

export async function runDemonstration(io: Io): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'dray-demo-'))
  try {
    const say = (text: string) => io.stdout.write(`${text}\n`)
    say('A demonstration of Dray. It touches nothing of yours: all of it is in one temporary directory.\n')
    const tree = join(directory, 'tree')
    makeTree(tree)
    say(`1. A sample tree: ${plural(files, 'file')} and one of 64 MiB.`)
    throwIfInterrupted(io.signal)

    const server = await startS3Server({
      credentials: { [accessKey]: secretKey },
      dir: join(directory, 's3'),
    })
    try {
      server.createBucket(bucket)
      writeProfile(directory, server.url, io.env)
      say(
        `2. A throw-away S3 server at ${server.url.href}, with a profile "demo" in an AWS configuration file:\n`,
      )
      return await copyAndVerify(tree, { ...io, stateDir: join(directory, 'state') }, say)
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The way a user would give Dray a store of his own: as a profile, which the whole AWS chain then finds. */
function writeProfile(directory: string, url: URL, env: NodeJS.ProcessEnv): void {
  const file = join(directory, 'aws-config')
  const lines = [
    '[profile demo]',
    `endpoint_url = ${url.href}`,
    'region = us-east-1',
    `aws_access_key_id = ${accessKey}`,
    `aws_secret_access_key = ${secretKey}`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  env.AWS_CONFIG_FILE = file
  env.AWS_SHARED_CREDENTIALS_FILE = join(directory, 'no-credentials')
}

async function copyAndVerify(tree: string, io: Io, say: (text: string) => void): Promise<number> {
  const destination = `s3://${bucket}/tree`
  const run = (kind: 'copy' | 'verify') => {
    say(`$ dray ${kind} ${tree} ${destination} --destination-profile demo`)
    return runPass(parseRequest(kind, tree, destination, { destinationProfile: 'demo' }, io.cwd), io)
  }
  const copied = await run('copy')
  if (copied !== exitCodes.equal) return copied
  say('')
  const again = await run('copy')
  if (again !== exitCodes.equal) return again
  say('')
  const verified = await run('verify')
  if (verified !== exitCodes.equal) return verified
  say(next)
  return verified
}

const next = `
That was the whole machinery: a control plane on workerd, an agent, packets that are leased, copied and accounted for.
Everything that it made, its reports too, is removed again.

What to try next:
  npm start -- copy DIRECTORY s3://BUCKET/PREFIX --dry-run      what a copy would do, and change nothing
  npm start -- copy s3://A s3://B --source-profile a --destination-profile b
  npm start -- verify s3://A s3://B --depth full                read and compare every byte
  npm start -- copy --help
Keys, region and endpoint come from your AWS configuration (environment, ~/.aws, instance role).
Stop a copy with Ctrl-C, run the same command again, and it goes on from there.`

/** Names and contents are the same each time; sizes from nothing to 16 kB. */
function makeTree(tree: string): void {
  for (let i = 0; i < files; i++) {
    const path = join(
      tree,
      `album-${String(i % 20).padStart(2, '0')}`,
      `picture-${String(i).padStart(4, '0')}.txt`,
    )
    if (i < 20) mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `picture ${i}\n`.repeat((i * 7919) % 1_200))
  }
  writeFileSync(join(tree, 'video.bin'), noise(largeBytes))
}

/** Bytes that no compression and no hole in a file could stand for (xorshift). */
function noise(size: number): Uint8Array {
  const words = new Uint32Array(size / 4)
  let x = 0x9e3779b9
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }
  return new Uint8Array(words.buffer)
}
