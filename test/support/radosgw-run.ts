/**
 * Behind `npm run test:s3`: two real S3 servers with different credentials, the suites that need them, and the end of
 * both, whatever happened. Servers that the environment names already (DRAY_TEST_S3_ENDPOINT, _KEY, _SECRET and the
 * same with _2) are taken as they are. Arguments go on to vitest.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  missingForRadosgw,
  type RadosgwStore,
  radosgwScript,
  startRadosgw,
  stopRadosgw,
} from './radosgw-store.ts'

let interrupted = false
/** The vitest that runs, if any. */
let suites: ReturnType<typeof spawn> | undefined

async function withServers(): Promise<number> {
  const missing = missingForRadosgw()
  if (missing.length > 0) {
    console.error(
      `These suites need a real S3 server. Missing: ${missing.join(', ')}. Either\n` +
        `  install Ceph's gateway on Debian or Ubuntu:  sudo ${radosgwScript} install\n` +
        '  (radosgw, ceph-mon, ceph-osd and ceph-common; no daemon is started), or\n' +
        '  name two S3 servers of your own: DRAY_TEST_S3_ENDPOINT, DRAY_TEST_S3_KEY, DRAY_TEST_S3_SECRET,\n' +
        '  and the same with _2. They get new buckets, and nothing of them is deleted.',
    )
    return 2
  }
  const root = mkdtempSync(join(tmpdir(), 'dray-radosgw-'))
  const stores: RadosgwStore[] = [1, 2].map((n) => ({
    dir: join(root, String(n)),
    key: `DRAYTESTKEY${n}`,
    secret: `draytestsecret${n}`.padEnd(40, String(n)),
  }))
  let starting: Promise<unknown> = Promise.resolve()
  // Ctrl-C and the like: vitest hears of it too, or is told; afterwards the servers end as they always do.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      interrupted = true
      suites?.kill(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM')
    })
  try {
    const started = stores.map(startRadosgw)
    starting = Promise.allSettled(started)
    const endpoints = await Promise.all(started)
    const env: NodeJS.ProcessEnv = {}
    for (const [i, { key, secret }] of stores.entries()) {
      const suffix = i === 0 ? '' : `_${i + 1}`
      env[`DRAY_TEST_S3_ENDPOINT${suffix}`] = endpoints[i]
      env[`DRAY_TEST_S3_KEY${suffix}`] = key
      env[`DRAY_TEST_S3_SECRET${suffix}`] = secret
    }
    return interrupted ? 130 : await runSuites(env)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  } finally {
    await starting
    await Promise.all(stores.map(stopRadosgw))
    rmSync(root, { recursive: true, force: true })
  }
}

function runSuites(env: NodeJS.ProcessEnv): Promise<number> {
  const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
  suites = spawn(process.execPath, [vitest, 'run', '--project', 's3', ...process.argv.slice(2)], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  return new Promise((resolve, reject) => {
    suites?.on('error', reject)
    suites?.on('exit', (status) => resolve(status ?? 1))
  })
}

const named = ['DRAY_TEST_S3_ENDPOINT', 'DRAY_TEST_S3_ENDPOINT_2'].every((name) => process.env[name])
process.exitCode = named ? await runSuites({}) : await withServers()
