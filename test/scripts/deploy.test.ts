/**
 * What a deployment asks of wrangler: which commands, in which order, with which files. test/support/fake-wrangler.mjs takes the place of wrangler
 * and records its calls, since no test has a Cloudflare account; that Cloudflare does what it is asked is not held here. What needs no account
 * is done by the real wrangler, in `npm run deploy -- --dry-run` (.ci/run).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildWorker } from '../../scripts/build.ts'
import { compressedBytes, longestStart, mostBytes, startOf } from '../../scripts/deploy/budget.ts'
import { DeployError } from '../../scripts/deploy/wrangler.ts'
import { deploy as deployWith } from '../../scripts/deploy.ts'
import { type Plane, startPlane } from '../support/plane.ts'

const root = join(import.meta.dirname, '..', '..')
const environment = `test-${process.pid}`
const generated = join(root, `wrangler.deploy.${environment}.json`)

describe('the budgets', () => {
  const objects = ['Migration', 'Fleet', 'Courier', 'Timetable']

  it('hold the Worker under 3 MB compressed', async () => {
    const bytes = await compressedBytes(join(await buildWorker(), '..'))
    console.info(`bundle: ${(bytes / 1e6).toFixed(2)} MB compressed`)
    expect(bytes).toBeLessThan(mostBytes)
  })

  it('hold its start under 400 ms', async () => {
    const { time, cpu } = await startOf(await buildWorker(), objects, 3)
    console.info(`start: ${Math.round(time)} ms more than an empty Worker, CPU: ${cpu} ms`)
    // On a busy machine the clock tells of the others.
    expect(cpu ?? time).toBeLessThan(longestStart)
  })
})

describe('a deployment, as wrangler is asked for it', () => {
  let plane: Plane
  let account: string
  beforeAll(async () => {
    plane = await startPlane({ bindings: { DRAY_SETUP_TOKEN: 'the Worker that answers has this one' } })
    process.env.FAKE_WRANGLER_URL = plane.url.origin
  })
  afterAll(() => plane.stop())
  beforeEach(() => {
    account = mkdtempSync(join(tmpdir(), 'dray-account-'))
    process.env.FAKE_WRANGLER = account
    return () => {
      rmSync(account, { recursive: true })
      rmSync(generated, { force: true })
    }
  })

  async function deploy(...args: string[]) {
    let stdout = ''
    const say = (line: string) => {
      stdout += `${line}\n`
    }
    const program = join(root, 'test', 'support', 'fake-wrangler.mjs')
    try {
      await deployWith(['--env', environment, ...args], program, say)
      return { status: 0, stdout, stderr: '' }
    } catch (error) {
      if (!(error instanceof DeployError)) throw error
      return { status: 1, stdout, stderr: `${error.message} ${error.hint}` }
    }
  }
  interface Call {
    args: string[]
    secrets: Record<string, string>
    config: { name: string; d1_databases: { database_id: string }[]; vars?: object; routes?: object[] } | null
  }
  /** Of the last run. */
  const calls = (): Call[] => {
    const file = join(account, 'calls.ndjson')
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    rmSync(file)
    return lines.map((line) => JSON.parse(line))
  }
  const said = (all: Call[]) =>
    all.map(({ args }) =>
      args
        .filter((arg) => /^[a-z]/.test(arg) || arg === '--remote')
        .slice(0, 4)
        .join(' '),
    )
  const set = (change: object) => {
    const file = join(account, 'account.json')
    const fresh = { loggedIn: true, databases: [], buckets: [], secrets: null, fails: null }
    const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : fresh
    writeFileSync(file, JSON.stringify({ ...known, ...change }))
  }
  const name = `dray-${environment}`

  it('makes what is missing, deploys with both secrets at once, and prints the link of the first owner', async () => {
    const { status, stdout, stderr } = await deploy()
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const asked = calls()
    expect(said(asked)).toEqual([
      'whoami',
      'd1 list',
      `d1 create ${name}`,
      'd1 list',
      `r2 bucket info ${name}-reports`,
      `r2 bucket create ${name}-reports`,
      'd1 migrations apply --remote',
      `secret list ${name} json`,
      'deploy',
    ])
    const { secrets, config } = asked.at(-1)!
    expect(config).toMatchObject({ name, d1_databases: [{ database_id: `id-of-${name}` }] })
    expect(secrets.DRAY_AUTH_SECRET!.length).toBeGreaterThan(40)
    expect(stdout).toContain(`${plane.url.origin}/setup#${secrets.DRAY_SETUP_TOKEN}`)
    expect(stdout).not.toContain(secrets.DRAY_AUTH_SECRET)
    expect(readFileSync(generated, 'utf8')).not.toContain(secrets.DRAY_SETUP_TOKEN)
  })

  it('is the upgrade when it is run again: nothing is made twice, no secret is replaced, settings of one’s own stay', async () => {
    await deploy()
    calls()
    const own = {
      vars: { DRAY_PUBLIC_URL: 'https://dray.example.com' },
      routes: [{ pattern: 'dray.example.com' }],
    }
    writeFileSync(generated, JSON.stringify({ ...JSON.parse(readFileSync(generated, 'utf8')), ...own }))
    const { status, stdout } = await deploy()
    expect(status).toBe(0)
    const asked = calls()
    expect(said(asked).filter((line) => line.includes('create'))).toEqual([])
    expect(asked.at(-1)).toMatchObject({ secrets: {}, config: own })
    expect(asked.at(-1)!.args).not.toContain('--secrets-file')
    expect(stdout).toContain('has no owner yet')
  })

  it('makes another link when it is asked to, and keeps the other secret', async () => {
    await deploy()
    calls()
    const { stdout } = await deploy('--new-setup-link')
    const { secrets } = calls().at(-1)!
    expect(Object.keys(secrets)).toEqual(['DRAY_SETUP_TOKEN'])
    expect(stdout).toContain(`/setup#${secrets.DRAY_SETUP_TOKEN}`)
  })

  it.each([
    ['nobody is logged in', { loggedIn: false }, 'nobody is logged in', 'wrangler login', 'whoami'],
    [
      'the secrets cannot be listed',
      { fails: 'secret list' },
      'Listing the secrets failed',
      'token needs',
      'secret list',
    ],
    [
      'the bucket cannot be looked for',
      { fails: 'r2 bucket info' },
      'Looking for the bucket failed',
      'token needs',
      'r2 bucket info',
    ],
    [
      'the database cannot be brought up to date',
      { fails: 'd1 migrations' },
      'up to date failed',
      'token needs',
      'd1 migrations',
    ],
    ['the Worker is refused', { fails: 'deploy' }, 'Deploying the Worker failed', 'token needs', 'deploy'],
  ])('stops where %s, and says so', async (_, change, message, hint, last) => {
    set(change)
    const { status, stderr } = await deploy()
    expect(status).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
    expect(said(calls()).at(-1)).toContain(last)
  })

  it.each([
    [['--env', 'No Name'], 'is no name of an environment'],
    [['--what'], '--what'],
  ])('refuses %j', async (args, message) => {
    expect((await deploy(...args)).stderr).toContain(message)
  })

  it('goes on where it was stopped', async () => {
    set({ fails: 'deploy' })
    await deploy()
    set({ fails: null })
    const { status, stdout } = await deploy()
    expect(status).toBe(0)
    expect(stdout).toContain('/setup#')
    const asked = calls()
    expect(said(asked).filter((line) => line.includes('create'))).toHaveLength(2)
    expect(Object.keys(asked.at(-1)!.secrets)).toHaveLength(2)
  })
})
