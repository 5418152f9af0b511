/**
 * Where a bench reads and writes: two endpoints, as two vendors would be, so that no tool lets a store copy by itself. The stub is started anew
 * for each run; the real gateways, which take a while to fill, serve them all, each run with a bucket of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { missingForRadosgw, type RadosgwStore, startRadosgw, stopRadosgw } from '../support/radosgw-store.ts'
import type { Workload } from './workloads.ts'

/** Good for all of them; the stub asks nobody. */
const credentials = { accessKeyId: 'DRAYBENCH', secretAccessKey: 'draybench'.padEnd(40, '0') }
export const credentialsEnv = {
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_REGION: 'us-east-1',
}

/** What one run of one tool is given. */
export interface Ground {
  readonly source: { readonly endpoint: string }
  readonly destination: { readonly endpoint: string }
  /** Buckets, or directories. */
  readonly from: string
  readonly to: string
  end(): Promise<void>
}

export class Stores {
  readonly #work: string
  readonly #fill: (endpoints: [from: string, to: string], bucket: string) => Promise<void>
  readonly #port = 20_000 + (process.pid % 20_000)
  #gateways: { stores: RadosgwStore[]; endpoints: string[] } | null = null
  #filled = new Set<string>()
  #runs = 0

  /** `fill` copies the stub's bucket `src` to a bucket that is there already. */
  constructor(work: string, fill: (endpoints: [from: string, to: string], bucket: string) => Promise<void>) {
    this.#work = work
    this.#fill = fill
  }

  /** Why this workload cannot be run here, or null. */
  refusal({ store }: Workload): string | null {
    if (store !== 'radosgw') return null
    const missing = missingForRadosgw()
    return missing.length === 0 ? null : `a real S3 server is not installed (${missing.join(', ')})`
  }

  async prepare(workload: Workload): Promise<Ground> {
    const ground = workload.store === 'stub' ? await this.#stubs(workload) : await this.#real(workload)
    const files = join(this.#work, 'files')
    rmSync(files, { recursive: true, force: true })
    if (workload.from === 'disk') makeFiles(files, workload)
    const end = async () => {
      await ground.end()
      rmSync(files, { recursive: true, force: true })
    }
    return {
      ...ground,
      ...(workload.from === 'disk' ? { from: files } : {}),
      ...(workload.to === 'disk' ? { to: files } : {}),
      end,
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways?.stores.map(stopRadosgw) ?? [])
  }

  async #stubs(workload: Workload): Promise<Ground> {
    const servers = await Promise.all([startStub(this.#port, workload), startStub(this.#port + 1, workload)])
    const scheme = workload.flags?.includes('--tls') ? 'https' : 'http'
    return {
      source: { endpoint: `${scheme}://127.0.0.1:${this.#port}` },
      destination: { endpoint: `${scheme}://127.0.0.1:${this.#port + 1}` },
      from: 'src',
      to: workload.to === 'mirror' ? 'mirror' : 'dst',
      async end() {
        for (const server of servers) {
          server.kill()
          await once(server, 'exit')
        }
      },
    }
  }

  async #real(workload: Workload): Promise<Ground> {
    const [source = '', destination = ''] = (await this.#startGateways()).endpoints
    const bucket = `objects-${workload.objects}`
    for (const endpoint of workload.to === 'mirror' ? [source, destination] : [source])
      await this.#filledWith(workload, endpoint, bucket)
    const to = workload.to === 'mirror' ? bucket : `dst-${++this.#runs}`
    if (workload.to !== 'mirror') await makeBucket(destination, to)
    return {
      source: { endpoint: source },
      destination: { endpoint: destination },
      from: bucket,
      to,
      end: async () => {},
    }
  }

  async #startGateways() {
    if (this.#gateways !== null) return this.#gateways
    const stores = [1, 2].map((n) => ({
      dir: join(this.#work, `radosgw-${n}`),
      key: credentials.accessKeyId,
      secret: credentials.secretAccessKey,
    }))
    // Noted first, so that what has started is stopped even where another does not start.
    this.#gateways = { stores, endpoints: [] }
    this.#gateways.endpoints = await Promise.all(stores.map(startRadosgw))
    return this.#gateways
  }

  async #filledWith(workload: Workload, endpoint: string, bucket: string): Promise<void> {
    if (this.#filled.has(`${endpoint}/${bucket}`)) return
    const stub = await startStub(this.#port, workload)
    try {
      await makeBucket(endpoint, bucket)
      await this.#fill([`http://127.0.0.1:${this.#port}`, endpoint], bucket)
      this.#filled.add(`${endpoint}/${bucket}`)
    } finally {
      stub.kill()
      await once(stub, 'exit')
    }
  }
}

async function startStub(port: number, { objects, size, flags = [] }: Workload): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'stub-server.ts')
  const server = spawn(process.execPath, [script, String(port), String(objects), String(size), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(server.stdout!, 'data')
  return server
}

async function makeBucket(endpoint: string, name: string): Promise<void> {
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: name }))
  client.destroy()
}

function makeFiles(directory: string, { objects, size }: Workload): void {
  for (let i = 0; i < objects; i++) {
    const folder = join(directory, `d${i % 100}`)
    if (i < 100) mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `file-${i}.jpg`), Buffer.alloc(size, i))
  }
}
