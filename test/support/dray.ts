/** The real command line, in a process of its own, as a script would call it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Evidence } from '../../shared/counts.ts'

const main = resolve(import.meta.dirname, '../../agent/main.ts')

export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** The last line that `--json` prints. */
export interface Result {
  migration: string
  pass: number
  state: 'complete' | 'incomplete'
  objects: Record<'listed' | 'same' | 'copied' | 'skipped' | 'vanished' | 'failed' | 'deleted', number>
  bytes: { listed: number; copied: number }
  evidence: Partial<Record<Evidence, number>>
  packets: number
  seconds: number
  report: string
}

/** Nothing of the developer's own AWS configuration gets in. */
function bareEnvironment(env: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('AWS_') && !name.startsWith('DRAY_'),
  )
  // Nor who the developer is signed in as.
  const config = join(tmpdir(), 'dray-no-config')
  return { ...Object.fromEntries(kept), AWS_EC2_METADATA_DISABLED: 'true', XDG_CONFIG_HOME: config, ...env }
}

/** `detached` gives it a process group of its own, which can be killed as a whole; `uid`: it runs as another user. */
export function start(
  args: string[],
  env: Record<string, string> = {},
  detached = false,
  uid?: number,
): Running {
  const child = spawn(process.execPath, [main, ...args], {
    env: bareEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  let stdout = ''
  let stderr = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolved, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolved({ status, signal, stdout, stderr }))
  })
  return { child, ended }
}

export const run = (args: string[], env: Record<string, string> = {}): Promise<Ended> =>
  start(args, env).ended

export function resultOf(ended: Ended): Result {
  const line = ended.stdout.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line) as Result
  } catch {
    throw new Error(`no result in: ${ended.stdout}\n${ended.stderr}`)
  }
}

/** Process ids of every descendant that lives, by what the kernel says. */
export function descendants(root: number): { pid: number; command: string }[] {
  const children = new Map<number, { pid: number; command: string }[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ') as [string, string]
      if (state === 'Z') continue
      const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ')
      children.set(Number(parent), [...(children.get(Number(parent)) ?? []), { pid: Number(name), command }])
    } catch {
      // It ended meanwhile.
    }
  }
  const found: { pid: number; command: string }[] = []
  for (
    let next = children.get(root) ?? [];
    next.length > 0;
    next = next.flatMap(({ pid }) => children.get(pid) ?? [])
  )
    found.push(...next)
  return found
}

/** Processes whose command line mentions `text`: what a kill left behind. */
export function mentioning(text: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ')
        return command.includes(text) ? [{ pid: Number(name), command }] : []
      } catch {
        return []
      }
    })
}
