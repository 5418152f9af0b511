/**
 * `node test/bench/million.ts [s3-flat|s3-nested|disk-flat|disk-nested] [KEYS]`: whether memory stays flat with the number of keys. Copies, then runs
 * the same again, and prints the peak resident memory of the agent and of the control plane (workerd) for each, beside a tenth as many keys.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'

const root = resolve(import.meta.dirname, '../..')
const [kind = 's3-flat', most = '1000000', role, served, at] = process.argv.slice(2)
const port = at ? Number(at) : 20_000 + (process.pid % 20_000)
const endpoint = `http://127.0.0.1:${port}`

const nested = kind.endsWith('nested')
const nameOf = (i: number) =>
  nested
    ? `a${i % 10}/b${Math.floor(i / 10) % 100}/c${Math.floor(i / 1000) % 100}/object-${i}`
    : `object-${String(i).padStart(8, '0')}`

/** Peak resident bytes of the process itself and of its workerd. */
function watch(pid: number): { stop(): { agent: number; plane: number } } {
  const peak = { agent: 0, plane: 0 }
  const resident = (of: number) => Number(readFileSync(`/proc/${of}/statm`, 'latin1').split(' ')[1]) * 4096
  const timer = setInterval(() => {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
        if (Number(name) === pid) peak.agent = Math.max(peak.agent, resident(pid))
        else if (parent === pid) peak.plane = Math.max(peak.plane, resident(Number(name)))
      } catch {
        // It ended meanwhile.
      }
    }
  }, 200)
  return {
    stop() {
      clearInterval(timer)
      return peak
    },
  }
}

async function serve(keys: number): Promise<void> {
  const server = await startS3Server({ port, credentials: { MILLION: 'million' } })
  server.createBucket('to')
  if (kind.startsWith('s3')) {
    // In rising order, which is the fastest way in.
    const names = Array.from({ length: keys }, (_, i) => nameOf(i)).sort()
    server.fill('from', { count: keys, key: (i) => names[i]!, size: 100 })
  }
  console.log('ready')
}

/** In a process of its own, so that its memory is not counted. */
async function server(keys: number) {
  const child = spawn(
    process.execPath,
    [import.meta.filename, kind, most, 'serve', String(keys), String(port)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(child.stdout, 'data')
  return child
}

async function measure(what: string, args: string[]): Promise<void> {
  const began = performance.now()
  const child = spawn(process.execPath, [join(root, 'agent/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: 'MILLION',
      AWS_SECRET_ACCESS_KEY: 'million',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: endpoint,
    },
  })
  let out = ''
  child.stdout.on('data', (text) => {
    out += text
  })
  const watching = watch(child.pid!)
  const [status] = await once(child, 'exit')
  const peak = watching.stop()
  const result = JSON.parse(out.trim().split('\n').at(-1)!)
  console.log(
    `${kind} ${what}: status ${status}, ${result.objects.listed} listed, ${result.objects.same} same, ${result.objects.copied} copied, ${result.packets} packets, ${((performance.now() - began) / 1000).toFixed(1)} s, peak agent ${Math.round(peak.agent / 2 ** 20)} MiB, control plane ${Math.round(peak.plane / 2 ** 20)} MiB`,
  )
}

async function main(): Promise<void> {
  for (const keys of [Number(most) / 10, Number(most)]) {
    const work = mkdtempSync(join(tmpdir(), 'dray-million-'))
    const store = await server(keys)
    try {
      const tree = join(work, 'tree')
      if (kind.startsWith('disk')) {
        for (let i = 0; i < keys; i++) {
          const path = join(tree, nameOf(i))
          if (nested ? i < 100_000 : i === 0) mkdirSync(resolve(path, '..'), { recursive: true })
          writeFileSync(path, '')
        }
      }
      const command = [
        'copy',
        kind.startsWith('disk') ? tree : 's3://from',
        's3://to',
        '--json',
        '--state-dir',
        join(work, 'state'),
      ]
      await measure(`copy of ${keys}`, command)
      await measure(`again, ${keys}`, command)
    } finally {
      store.kill()
      await once(store, 'exit')
      rmSync(work, { recursive: true, force: true })
    }
  }
}

await (role === 'serve' ? serve(Number(served)) : main())
