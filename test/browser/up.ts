/** `dray up` in a process of its own, as a user starts it. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Up {
  readonly origin: string
  /** Of the operator. */
  readonly token: string
  /** Makes the first owner, once. */
  readonly setupLink: string
  /** In the workspace `local`. Throws where it is refused. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  stop(): Promise<void>
}

const program = join(import.meta.dirname, '..', '..', 'agent', 'main.ts')

export async function startUp(stateDir: string, env: Record<string, string> = {}): Promise<Up> {
  const up = spawn(process.execPath, [program, 'up', '--port', '0', '--state-dir', stateDir], {
    env: { ...process.env, ...env },
  })
  const [origin, setupLink] = await new Promise<[string, string]>((resolve, reject) => {
    let said = ''
    up.stdout.on('data', (text) => {
      said += text
      const address = /Dray is up at (\S+)/.exec(said)?.[1]
      const link = /set up +(\S+) /.exec(said)?.[1]
      if (address && link) resolve([address, link])
    })
    up.stderr.on('data', (text) => {
      said += text
    })
    up.once('exit', (code) => reject(new Error(`dray up ended with ${code}: ${said}`)))
  })
  const ended = new Promise<void>((resolve) => up.once('exit', () => resolve()))
  const token = JSON.parse(readFileSync(join(stateDir, 'tokens.json'), 'utf8')).operator as string
  return {
    origin,
    token,
    setupLink,
    async api<T>(method: string, path: string, body?: unknown) {
      const response = await fetch(`${origin}/api/workspaces/local/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return (text === '' ? null : JSON.parse(text)) as T
    },
    stop() {
      up.kill('SIGINT')
      return ended
    },
  }
}
