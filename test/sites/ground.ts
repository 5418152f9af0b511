/** Where the scenario happens: places of the network, and the processes that were started there. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Place {
  readonly address: string
  /** The words before a command that run it there. */
  readonly enter: readonly string[]
}

export interface Ground {
  /** For state, logs and stores; removed at the end. */
  readonly dir: string
  /** The project's own S3 server on both sides. */
  readonly own: boolean
  readonly places: Readonly<Record<string, Place>>
}

export const root = join(import.meta.dirname, '../..')
const { AWS_CA_BUNDLE: _, ...inherited } = process.env

export class Processes {
  readonly #ground: Ground
  readonly #all: ChildProcess[] = []

  constructor(ground: Ground) {
    this.#ground = ground
  }

  log(name: string): string {
    return join(this.#ground.dir, `${name}.log`)
  }

  /** Of all that it has written so far. */
  said(name: string): string {
    return readFileSync(this.log(name), 'utf8')
  }

  /** What it writes goes to its log, and to `hears`. */
  start(
    name: string,
    place: string,
    command: readonly string[],
    env: NodeJS.ProcessEnv = {},
    hears: (text: string) => void = () => {},
  ): ChildProcess {
    const [program = '', ...args] = [...this.#ground.places[place]!.enter, ...command]
    const child = spawn(program, args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#all.push(child)
    appendFileSync(this.log(name), '')
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        appendFileSync(this.log(name), chunk)
        hears(chunk.toString())
      })
    }
    return child
  }

  /** Runs it to its end. Throws where that is not a good one. */
  async run(
    name: string,
    place: string,
    command: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const child = this.start(name, place, command, env)
    const [status] = await once(child, 'exit')
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${this.said(name)}`)
  }

  /** The network of a place goes away, or comes back. */
  cut(place: string, isCut: boolean): void {
    const namespace = this.#ground.places[place]!.enter[3]!
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'wan0', isCut ? 'down' : 'up'])
  }

  end(): void {
    for (const child of this.#all) child.kill('SIGKILL')
  }
}
