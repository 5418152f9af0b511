/** Runs wrangler. What it prints is kept from the screen unless it fails: it may be long, and what matters of it is said by us. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Of a deployment that cannot go on: what happened, and what to do about it. */
export class DeployError extends Error {
  readonly hint: string | null
  constructor(message: string, hint: string | null = null) {
    super(message)
    this.hint = hint
  }
}

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  /** Both streams, for people. */
  readonly said: string
}

export type Wrangler = (args: string[], env?: Record<string, string>) => Promise<Ran>

/** Nothing is asked, questions are answered by their defaults, and nobody is contacted but for what the command is about. */
const quiet = {
  CI: '1',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

/** `program`: another wrangler than the one that is installed here. */
export function wranglerIn(root: string, program: string | undefined): Wrangler {
  const installed = join(
    dirname(createRequire(join(root, 'package.json')).resolve('wrangler/package.json')),
    'bin',
    'wrangler.js',
  )
  const [file, first] = program ? [program, []] : [process.execPath, [installed]]
  return async (args, env = {}) => {
    const child = spawn(file, [...first, ...args], {
      cwd: root,
      env: { ...process.env, ...quiet, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { status: child.exitCode, stdout, said: `${stderr}${stdout}`.trim() }
  }
}

/** The answer, or a `DeployError` with what wrangler said. */
export async function must(wrangler: Wrangler, what: string, ...args: Parameters<Wrangler>): Promise<Ran> {
  const ran = await wrangler(...args)
  if (ran.status === 0) return ran
  throw new DeployError(
    `${what} failed. wrangler ${args[0].join(' ')} said:\n${indented(ran.said)}`,
    hintFor(ran.said),
  )
}

const indented = (said: string) =>
  said
    .split('\n')
    .slice(-30)
    .map((line) => `    ${line}`)
    .join('\n')

function hintFor(said: string): string | null {
  if (/more than one account|CLOUDFLARE_ACCOUNT_ID/i.test(said)) {
    return 'Say which account: CLOUDFLARE_ACCOUNT_ID=… npm run deploy, or "account_id" in the generated configuration.'
  }
  if (/workers\.dev subdomain/i.test(said))
    return 'Open Workers in the dashboard once: it makes your workers.dev subdomain.'
  if (/10000|9109|authentication|not authorized/i.test(said)) {
    return 'The login or token may not do this. The token needs: Workers Scripts, D1 and Workers R2 Storage, each with Edit.'
  }
  return null
}
