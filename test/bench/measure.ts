/** One command, measured: wall and CPU seconds of it and all that it started and waited for, and the peak of their memory together. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Sum of the resident memory of the process tree, sampled every 20 ms: 0 for what ends sooner. */
  readonly peakBytes: number
  readonly status: number
  readonly stdout: string
}

function tree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // It ended meanwhile.
    }
  }
  const found: number[] = []
  for (let next = [root]; next.length > 0; next = next.flatMap((pid) => children.get(pid) ?? []))
    found.push(...next)
  return found
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096
  } catch {
    return 0
  }
}

/** Runs under bash's `time`, whose figures include every descendant that was waited for. */
export function measure(command: string[], env: NodeJS.ProcessEnv, cwd: string): Promise<Measured> {
  const began = process.hrtime.bigint()
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%U %S" ; time "$@"', 'bash', ...command], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr = (stderr + chunk).slice(-4000)
  })
  let peakBytes = 0
  const sampling = setInterval(() => {
    peakBytes = Math.max(
      peakBytes,
      tree(child.pid!).reduce((sum, pid) => sum + residentBytes(pid), 0),
    )
  }, 20)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => {
      clearInterval(sampling)
      const seconds = Number(process.hrtime.bigint() - began) / 1e9
      const times = stderr.trimEnd().split('\n').at(-1)!.split(' ').map(Number)
      if (times.length !== 2 || times.some(Number.isNaN)) return reject(new Error(`no times in: ${stderr}`))
      if (status !== 0) console.error(stderr)
      resolve({ seconds, cpuSeconds: times[0]! + times[1]!, peakBytes, status: status ?? -1, stdout })
    })
  })
}
