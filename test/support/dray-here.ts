/** The command line in this process: quicker than one of its own (dray.ts), for what does not need one. */
import { PassThrough } from 'node:stream'
import { complaint } from '../../agent/cli/complain.ts'
import { exitCodes } from '../../agent/cli/io.ts'
import { runProgram } from '../../agent/cli/program.ts'

export interface Said {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface Here {
  readonly cwd: string
  readonly stateDir: string
  readonly env?: Record<string, string>
  /** What a person at a terminal says when asked; where it is not given, there is none. */
  answer?(): Promise<string>
}

export async function drayHere(args: string[], { cwd, stateDir, env = {}, answer }: Here): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  const isTTY = answer !== undefined
  const stdin = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.ReadStream
  const into = (name: keyof typeof said) => {
    const write = (text: string | Uint8Array) => {
      said[name] += typeof text === 'string' ? text : new TextDecoder().decode(text)
      if (answer && String(text).includes('[y/N]')) void answer().then((line) => stdin.push(`${line}\n`))
      return true
    }
    return Object.assign(new PassThrough(), { write, isTTY }) as unknown as NodeJS.WriteStream
  }
  const status = await runProgram(args, {
    ...{ stdin: () => stdin, stdout: into('stdout'), stderr: into('stderr') },
    ...{ cwd, env, version: '0.0.0', debug: false, signal: new AbortController().signal },
    ...{ exitBy: () => {}, stateDirFor: () => stateDir },
  }).catch((error) => {
    said.stderr += complaint(error, false)
    return exitCodes.refused
  })
  return { status, ...said }
}
