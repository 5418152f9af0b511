/**
 * `node test/bench/mirror.ts [--seconds N] [--size BYTES] [--at-once N]`: PUT and GET through `dray mirror` beside the same asked of a store directly, in turns, and the CPU of the
 * mirror a request. All on one machine: the stores, the mirror and whoever asks share its cores, so the ratio is what counts. A mirrored PUT is two
 * PUTs and a durable intent: half of direct is what a mirror that cost nothing would do where the stores are the limit.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openLanes } from '../../agent/storage/s3/lanes.ts'
import { openClient } from '../../agent/storage/s3/open-client.ts'
import type { Key } from '../../shared/key.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    size: { type: 'string', default: '4096' },
    'at-once': { type: 'string', default: '16' },
  },
})
const ms = Number(values.seconds) * 1_000
const size = Number(values.size)
const atOnce = Number(values['at-once'])
const root = join(import.meta.dirname, '..', '..')
const work = mkdtempSync(join(tmpdir(), 'dray-bench-mirror-'))
const keys = { AWS_ACCESS_KEY_ID: 'BENCH', AWS_SECRET_ACCESS_KEY: 'the secret of the bench' }
Object.assign(process.env, keys)
const children: ChildProcess[] = []

function start(script: string, args: string[], said: RegExp): Promise<{ url: string; pid: number }> {
  const child = spawn(process.execPath, [join(root, script), ...args], {
    env: {
      ...process.env,
      ...keys,
      DRAY_MIRROR_ACCESS_KEY_ID: 'BENCH',
      DRAY_MIRROR_SECRET_ACCESS_KEY: keys.AWS_SECRET_ACCESS_KEY,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      const url = said.exec(text)?.[1]
      if (url !== undefined) resolve({ url, pid: child.pid! })
    })
    child.on('exit', (code) => reject(new Error(`${script} ended with ${code}`)))
  })
}

/** User and system, in milliseconds. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function opened(endpoint: string) {
  const location = {
    kind: 's3',
    bucket: 'bench',
    prefix: '',
    endpoint,
    region: 'us-east-1',
    profile: null,
    site: null,
  } as const
  const lanes = openLanes({ most: atOnce })
  return (await openClient(location, { connections: atOnce, lanes })).client
}
type Client = Awaited<ReturnType<typeof opened>>

const body = Buffer.alloc(size, 'mirror')
const { signal } = new AbortController()

/** Requests a second. */
async function run(client: Client, method: 'PUT' | 'GET'): Promise<{ rate: number; count: number }> {
  const began = performance.now()
  let count = 0
  const worker = async (w: number) => {
    for (let i = 0; performance.now() - began < ms; i++) {
      const key = `${w}/${i % 500}` as Key
      const response = await client.whole(
        { verb: method, method, key, body: method === 'PUT' ? body : null, headers: {}, signal },
        size + 1_024,
      )
      response.release?.()
      count++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, w) => worker(w)))
  return { rate: (count * 1_000) / (performance.now() - began), count }
}

try {
  const store = (name: string) =>
    start(
      'agent/s3-server/main.ts',
      ['--bucket', 'bench', '--dir', join(work, name)],
      /AWS_ENDPOINT_URL=(\S+)/,
    )
  const [old, fresh] = await Promise.all([store('old'), store('new')])
  const args = [
    'mirror',
    '--old',
    's3://bench',
    '--old-endpoint',
    old.url,
    '--new',
    's3://bench',
    '--new-endpoint',
    fresh.url,
  ]
  const mirror = await start(
    'agent/main.ts',
    [...args, '--listen', '127.0.0.1:0', '--state-dir', work],
    /Mirroring at (\S+),/,
  )
  const [direct, mirrored] = await Promise.all([opened(old.url), opened(mirror.url)])
  console.log(`${size} bytes, ${atOnce} at once, ${values.seconds} s each`)
  for (const method of ['PUT', 'GET'] as const) {
    // Every key is there, and everybody is warm.
    await run(mirrored, method)
    const plain = await run(direct, method)
    const before = cpuOf(mirror.pid)
    const through = await run(mirrored, method)
    const cpu = (cpuOf(mirror.pid) - before) / through.count
    console.log(
      `${method}  direct ${plain.rate.toFixed(0)}/s, through the mirror ${through.rate.toFixed(0)}/s: ${(through.rate / plain.rate).toFixed(2)} of it; CPU of the mirror ${(cpu * 1_000).toFixed(0)} µs a request`,
    )
  }
  await Promise.all([direct.close(), mirrored.close()])
} finally {
  for (const child of children) {
    child.removeAllListeners('exit')
    child.kill()
  }
  await Promise.all(
    children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))),
  )
  rmSync(work, { recursive: true, force: true })
}
