/**
 * `npm run deploy`: brings the control plane to your Cloudflare account, or up to date there. Whatever is missing is made, whatever is there
 * is kept, so the same command is the installation and every upgrade; one that was interrupted is run again.
 *
 * The catalogue's migrations come before the Worker: the old Worker has to live with the new tables for a moment, so migrations only ever add
 * (docs/decisions/0025-webhooks-and-upgrades.md).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { buildWeb, buildWorker } from './build.ts'
import { compressedBytes, longestStart, mostBytes, startOf } from './deploy/budget.ts'
import { checkLogin, ensureBucket, ensureDatabase, missingSecrets, secretNames } from './deploy/resources.ts'
import {
  type Config,
  configFor,
  environmentSchema,
  objectsOf,
  parseConfig,
  type Target,
  targetOf,
} from './deploy/target.ts'
import { DeployError, must, type Wrangler, wranglerIn } from './deploy/wrangler.ts'

const help = `Deploys Dray's control plane to Cloudflare Workers, or brings it up to date there.

  npm run deploy                        to the environment "production"
  npm run deploy -- --env staging       a second one, beside it, with a database and a bucket of its own
  npm run deploy -- --dry-run           say what would be done, and check everything that can be checked here; contacts nobody

  --env NAME         lower-case letters, digits and "-"                 [production]
  --dry-run
  --new-setup-link   make a new link for the first owner, where nobody has used the old one
  --help

It needs a login (npx wrangler login) or CLOUDFLARE_API_TOKEN. Custom domains and variables are kept in wrangler.deploy.<env>.json.
`

const root = join(import.meta.dirname, '..')
const noDatabase = '00000000-0000-0000-0000-000000000000'
/** How long the new Worker may take to answer everywhere, in ms. */
const patience = 120_000

interface Options {
  readonly environment: string
  readonly dryRun: boolean
  readonly newSetupLink: boolean
}

function optionsFrom(args: string[]): Options | null {
  const string = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const options = {
    env: { ...string, default: 'production' },
    'dry-run': flag,
    'new-setup-link': flag,
    help: flag,
  }
  try {
    const { values } = parseArgs({ args, options })
    if (values.help) return null
    const environment = environmentSchema.safeParse(values.env)
    if (!environment.success) throw new Error(`--env ${values.env} is no name of an environment`)
    return {
      environment: environment.data,
      dryRun: values['dry-run'],
      newSetupLink: values['new-setup-link'],
    }
  } catch (error) {
    throw new DeployError((error as Error).message, 'See npm run deploy -- --help.')
  }
}

type Say = (line: string) => void

/** `wrangler`: another program than the installed one. Throws a `DeployError` where it cannot go on. */
export async function deploy(args: string[], wrangler: string | undefined, say: Say): Promise<void> {
  const options = optionsFrom(args)
  if (!options) return say(help)
  const target = targetOf(options.environment)
  const { experimental_readRawConfig: read } = await import('wrangler')
  const base = parseConfig(read({ config: join(root, 'wrangler.toml') }).rawConfig)
  say(plan(base, target))
  try {
    await Promise.all([buildWorker(), buildWeb()])
  } catch (error) {
    throw new DeployError(`the build failed: ${(error as Error).message}`)
  }
  const run = wranglerIn(root, wrangler)
  if (options.dryRun) await rehearse(run, base, target, say)
  else await carryOut(run, base, target, options, say)
}

function plan(base: Config, { environment, name, bucket, file }: Target): string {
  return [
    `Dray as the Worker "${name}" (${environment})`,
    `  database  ${name} (D1), with the migrations of control-plane/migrations`,
    `  bucket    ${bucket} (R2)`,
    `  objects   ${objectsOf(base).join(', ')} (Durable Objects)`,
    `  secrets   ${secretNames.join(', ')}: made where they are missing, never replaced`,
    `  settings  ${file}`,
    '',
  ].join('\n')
}

/** Writes what wrangler is configured by, in the root: paths in it are relative. */
function writeConfig({ file }: Target, config: Config): string {
  const path = join(root, file)
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`)
  return path
}

function keptConfig({ file }: Target): unknown {
  const path = join(root, file)
  if (!existsSync(path)) return null
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new DeployError(
      `${file} is no JSON: ${(error as Error).message}`,
      'Mend it, or remove it: it is made anew.',
    )
  }
}

async function carryOut(
  wrangler: Wrangler,
  base: Config,
  target: Target,
  options: Options,
  say: Say,
): Promise<void> {
  await checkLogin(wrangler)
  const database = await ensureDatabase(wrangler, target)
  say(`database  ${database.made ? 'made' : 'is there'}`)
  say(`bucket    ${(await ensureBucket(wrangler, target)) ? 'made' : 'is there'}`)
  const config = writeConfig(target, configFor(base, target, database.id, keptConfig(target)))

  const apply = ['d1', 'migrations', 'apply', 'DB', '--remote', '--config', config]
  await must(wrangler, 'Bringing the database up to date', apply)
  say('database  is up to date')

  const secrets = await missingSecrets(wrangler, target, options.newSetupLink ? ['DRAY_SETUP_TOKEN'] : [])
  const url = await upload(wrangler, config, secrets)
  say(`worker    deployed to ${url}`)
  await health(url)
  say('worker    answers\n')
  say(await ending(url, secrets.DRAY_SETUP_TOKEN))
}

const outputSchema = z.looseObject({ type: z.string(), targets: z.array(z.string()).nullish() })

/** The Worker and its missing secrets in one step: it never runs without them. Returns its address. */
async function upload(wrangler: Wrangler, config: string, secrets: Record<string, string>): Promise<URL> {
  const directory = mkdtempSync(join(tmpdir(), 'dray-deploy-'))
  try {
    const output = join(directory, 'output.ndjson')
    const args = ['deploy', '--config', config]
    if (Object.keys(secrets).length > 0) {
      const file = join(directory, 'secrets.json')
      writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 })
      args.push('--secrets-file', file)
    }
    await must(wrangler, 'Deploying the Worker', args, { WRANGLER_OUTPUT_FILE_PATH: output })
    const lines = existsSync(output) ? readFileSync(output, 'utf8').split('\n').filter(Boolean) : []
    const targets = lines
      .map((line) => outputSchema.parse(JSON.parse(line)))
      .flatMap(({ type, targets }) => (type === 'deploy' ? (targets ?? []) : []))
    // A custom domain is told without its scheme, and is what people are to use.
    const address = targets.find((target) => !target.includes('.workers.dev')) ?? targets[0]
    if (!address) {
      throw new DeployError(
        'the Worker is deployed, but is reached at no address',
        'Enable its workers.dev address in the dashboard, or add a custom domain to the settings, and deploy again.',
      )
    }
    // Of a route, its pattern: `dray.example.com/*`.
    return new URL((address.includes('://') ? address : `https://${address}`).replace(/[*/]+$/, ''))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function health(url: URL): Promise<void> {
  const until = Date.now() + patience
  for (let last = ''; ; await sleep(1_000)) {
    try {
      const response = await fetch(new URL('/api/health', url), { signal: AbortSignal.timeout(10_000) })
      if (response.ok) return
      last = `answered ${response.status}`
    } catch (error) {
      last = (error as Error).message
    }
    if (Date.now() > until) {
      throw new DeployError(
        `the Worker is deployed, but ${url.href} does not answer (${last})`,
        'A new domain may take some minutes. See what it says with: npx wrangler tail --config wrangler.deploy.<env>.json',
      )
    }
  }
}

async function ending(url: URL, setupToken: string | undefined): Promise<string> {
  const response = await fetch(new URL('/api/entry', url))
  const { setup } = z.looseObject({ setup: z.boolean() }).parse(await response.json())
  if (!setup) return `Dray is up to date: ${url.href}`
  if (setupToken === undefined) {
    return `Dray is up at ${url.href}, and has no owner yet: its set-up link was printed when it was made.\nFor another one: npm run deploy -- --new-setup-link`
  }
  return `Open this link to become the first owner. It works once; keep it to yourself:\n  ${new URL('/setup', url).href}#${setupToken}`
}

/** How long the Worker's own code runs before its first request, as wrangler sees it. */
async function profile(wrangler: Wrangler, config: string, directory: string): Promise<string> {
  const args = ['check', 'startup', '--config', config, '--outfile', join(directory, 'startup.cpuprofile')]
  const { said } = await must(wrangler, 'Profiling the start', args)
  const active = /Active: ([\d.]+ ms)/.exec(said)?.[1]
  return active ? `${active} of code, says wrangler check startup` : 'wrangler check startup tells no figure'
}

/** Everything of a deployment that needs no account. */
async function rehearse(wrangler: Wrangler, base: Config, target: Target, say: Say): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'dray-deploy-'))
  const { file } = target
  // Beside the real one, since paths in it are relative to it.
  const config = writeConfig(
    { ...target, file: `${file}.${process.pid}.tmp.json` },
    configFor(base, target, noDatabase, keptConfig(target)),
  )
  try {
    const bundled = ['deploy', '--dry-run', '--outdir', directory, '--config', config]
    await must(wrangler, 'Bundling the Worker', bundled)
    say('worker    is bundled, and its configuration is valid')

    const bytes = await compressedBytes(directory)
    const { time, cpu } = await startOf(await buildWorker(), objectsOf(base), 3)
    say(`bundle    ${(bytes / 1e6).toFixed(2)} MB compressed, of ${mostBytes / 1e6} MB`)
    const used = cpu === null ? '' : ` (CPU: ${cpu} ms)`
    say(
      `start     ${Math.round(time)} ms${used}, of ${longestStart} ms; ${await profile(wrangler, config, directory)}`,
    )
    if (bytes > mostBytes) throw new DeployError('the bundle is larger than its budget')
    if ((cpu ?? time) > longestStart) throw new DeployError('the start takes longer than its budget')

    const local = [
      'd1',
      'migrations',
      'apply',
      'DB',
      '--local',
      '--persist-to',
      join(directory, 'd1'),
      '--config',
      config,
    ]
    await must(wrangler, 'Applying the migrations to an empty database', local)
    say('database  every migration applies to an empty one\n')
    say('This was a dry run: nothing was deployed, and nobody was contacted.')
  } finally {
    rmSync(config, { force: true })
    rmSync(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  try {
    await deploy(
      process.argv.slice(2),
      process.env.DRAY_WRANGLER,
      (line) => void process.stdout.write(`${line}\n`),
    )
  } catch (error) {
    if (!(error instanceof DeployError)) throw error
    process.stderr.write(`deploy: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`)
    process.exitCode = 1
  }
}
