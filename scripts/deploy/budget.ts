/**
 * What the Worker may be: 3 MB compressed, which is what Cloudflare's free plan takes, and 400 ms from nothing to its first answer; it may
 * take a second there. The start is measured against that of an empty Worker, so that workerd's own is not in it.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { startWorkerd } from '../../agent/embed/workerd.ts'
import { installedWorkerd, storageDirectories, workerdConfig } from '../../agent/embed/workerd-config.ts'

/** Bytes. */
export const mostBytes = 3_000_000
/** Milliseconds. */
export const longestStart = 400

/** All that is uploaded: the modules in the directory, each compressed. */
export async function compressedBytes(directory: string): Promise<number> {
  let bytes = 0
  for (const name of readdirSync(directory).filter((name) => /\.m?js$/.test(name))) {
    bytes += (await promisify(gzip)(readFileSync(join(directory, name)), { level: 9 })).length
  }
  return bytes
}

/** With the objects that the configuration asks of it. */
const emptyWorker = (objects: readonly string[]) => `
  import { DurableObject } from 'cloudflare:workers'
  ${objects.map((name) => `export class ${name} extends DurableObject {}`).join('\n  ')}
  export default { fetch: () => Response.json({ ok: true }) }`

/** In ms; `cpu` null where the system does not tell (it does on Linux). */
export interface Start {
  readonly time: number
  readonly cpu: number | null
}

/**
 * From the spawn of workerd to the first answer, beyond what an empty Worker with the same `objects` takes: the least of `runs` each, since a
 * machine that does something else only ever makes them slower. CPU time hardly knows of that.
 */
export async function startOf(script: string, objects: readonly string[], runs: number): Promise<Start> {
  const directory = mkdtempSync(join(tmpdir(), 'dray-budget-'))
  try {
    const nothing = join(directory, 'empty.js')
    writeFileSync(nothing, emptyWorker(objects))
    writeFileSync(join(directory, 'auth.mjs'), '')
    const empty: Start[] = []
    const ours: Start[] = []
    // By turns, so that both meet the same machine.
    for (let run = 0; run < runs; run++) {
      empty.push(await firstAnswer(nothing, join(directory, `empty-${run}`)))
      ours.push(await firstAnswer(script, join(directory, `ours-${run}`)))
    }
    const least = (starts: Start[], of: 'time' | 'cpu') =>
      Math.min(...starts.map((start) => start[of] ?? Number.NaN))
    const beyond = (of: 'time' | 'cpu') => Math.max(0, least(ours, of) - least(empty, of))
    const cpu = beyond('cpu')
    return { time: beyond('time'), cpu: Number.isNaN(cpu) ? null : cpu }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function firstAnswer(script: string, directory: string): Promise<Start> {
  for (const name of storageDirectories) mkdirSync(join(directory, name), { recursive: true })
  const config = join(directory, 'workerd.capnp')
  // With a console, since a deployment has one, and people who sign in to it.
  writeFileSync(config, workerdConfig({ directory, script, web: directory, calls: false, settings: [] }))
  const began = performance.now()
  const workerd = await startWorkerd({
    program: installedWorkerd(),
    config,
    sockets: { api: '127.0.0.1:0', clerk: '127.0.0.1:0' },
    env: {},
  })
  try {
    const response = await fetch(`http://127.0.0.1:${workerd.ports.api}/api/health`)
    await response.arrayBuffer()
    return { time: performance.now() - began, cpu: cpuOf(workerd.pid) }
  } finally {
    await workerd.stop()
  }
}

/** User and system time of a process, in ms, to ten of them. */
function cpuOf(pid: number | undefined): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Its name, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return null
  }
}
