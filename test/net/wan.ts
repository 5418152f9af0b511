/**
 * Hosts on one machine, in network namespaces, with a round trip, a rate and a loss of packets between them (wan.c). Needs root,
 * `ip` and a C compiler; nothing of it is seen outside the namespaces.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Link {
  /** Milliseconds, to an ideal core: between two hosts theirs add up. */
  readonly rtt: number
  /** Mbit/s, each way; 0: no limit. */
  readonly rate: number
  /** Percent of the packets, each way. */
  readonly loss: number
}

export interface Wan {
  /** Its IPv4 address. */
  address(host: string): string
  spawn(host: string, command: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess
  /** The command that runs `command` there. */
  at(host: string, command: readonly string[]): string[]
  close(): void
}

/** Why there can be none here, or null. */
export function whyNoWan(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  for (const tool of [
    ['ip', '-V'],
    ['cc', '--version'],
  ] as const) {
    try {
      execFileSync(tool[0], [tool[1]], { stdio: 'ignore' })
    } catch {
      return `there is no ${tool[0]} (apt-get install iproute2 gcc libc6-dev)`
    }
  }
  try {
    const probe = `drayprobe${process.pid}`
    execFileSync('ip', ['netns', 'add', probe], { stdio: 'ignore' })
    execFileSync('ip', ['netns', 'delete', probe], { stdio: 'ignore' })
  } catch {
    return 'network namespaces cannot be made here'
  }
  return null
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export async function openWan(links: Readonly<Record<string, Link>>): Promise<Wan> {
  const dir = mkdtempSync(join(tmpdir(), 'dray-wan-'))
  const program = join(dir, 'wan')
  execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'wan.c')], { stdio: 'inherit' })
  const names = Object.keys(links)
  const namespace = (host: string) => `dray${process.pid}-${host}`
  const address = (host: string) => `10.77.0.${10 + names.indexOf(host)}`
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const at = (host: string, command: readonly string[]) => [
    'ip',
    'netns',
    'exec',
    namespace(host),
    ...command,
  ]
  const spawned: ChildProcess[] = []
  let emulator: ChildProcess | null = null

  const close = () => {
    for (const signal of signals) process.off(signal, interrupted)
    for (const child of spawned) child.kill('SIGKILL')
    emulator?.kill()
    for (const host of names) {
      try {
        ip('netns', 'delete', namespace(host))
      } catch {
        // It was never made.
      }
    }
    rmSync(dir, { recursive: true, force: true })
  }

  const interrupted = () => {
    close()
    process.exit(130)
  }
  for (const signal of signals) process.on(signal, interrupted)

  try {
    for (const host of names) {
      ip('netns', 'add', namespace(host))
      ip('-n', namespace(host), 'link', 'set', 'lo', 'up')
    }
    const hosts = Object.entries(links).map(
      ([host, { rtt, rate, loss }]) => `${namespace(host)}:${address(host)}:${rtt}:${rate}:${loss}`,
    )
    emulator = spawn(program, hosts, { stdio: ['ignore', 'pipe', 'inherit'] })
    await Promise.race([
      once(emulator.stdout!, 'data'),
      once(emulator, 'exit').then(() => {
        throw new Error('the network did not start')
      }),
    ])
    for (const host of names) {
      ip('-n', namespace(host), 'address', 'add', `${address(host)}/24`, 'dev', 'wan0')
      ip('-n', namespace(host), 'link', 'set', 'wan0', 'mtu', '1500', 'txqueuelen', '10000', 'up')
    }
  } catch (error) {
    close()
    throw error
  }
  return {
    address,
    at,
    spawn(host, command, env = process.env) {
      const [program = '', ...args] = at(host, command)
      const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
      spawned.push(child)
      return child
    },
    close,
  }
}
