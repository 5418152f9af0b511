#!/usr/bin/env node
/**
 * Stands in for wrangler where a test deploys: it records each call, and remembers in a file what a Cloudflare account would. It shows what
 * `npm run deploy` asks for and in which order, and nothing of how Cloudflare answers: no test here has an account.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = process.env.FAKE_WRANGLER
const args = process.argv.slice(2)
const file = join(directory, 'account.json')
const account = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { loggedIn: true, databases: [], buckets: [], secrets: null, fails: null }
const after = (option) => args[args.indexOf(option) + 1]
const command = args.filter((arg) => /^[a-z]/.test(arg)).join(' ')
const secrets = args.includes('--secrets-file')
  ? JSON.parse(readFileSync(after('--secrets-file'), 'utf8'))
  : {}
const config = args.includes('--config') ? JSON.parse(readFileSync(after('--config'), 'utf8')) : null
appendFileSync(join(directory, 'calls.ndjson'), `${JSON.stringify({ args, secrets, config })}\n`)

const end = (status, said = '') => {
  writeFileSync(file, JSON.stringify(account))
  if (said) (status ? process.stderr : process.stdout).write(`${said}\n`)
  process.exit(status)
}

if (account.fails && command.startsWith(account.fails))
  end(1, 'A request to the Cloudflare API failed. [code: 10000]')
if (command === 'whoami') end(account.loggedIn ? 0 : 1, JSON.stringify({ loggedIn: account.loggedIn }))
if (command === 'd1 list') end(0, JSON.stringify(account.databases))
if (command.startsWith('d1 create')) {
  account.databases.push({ name: args[2], uuid: `id-of-${args[2]}` })
  end(0, 'created')
}
if (command.startsWith('r2 bucket info')) {
  if (!account.buckets.includes(args[3])) end(1, 'The specified bucket does not exist. [code: 10006]')
  end(0, '{}')
}
if (command.startsWith('r2 bucket create')) {
  account.buckets.push(args[3])
  end(0, 'created')
}
if (command.startsWith('secret list')) {
  if (!account.secrets) end(1, `Worker "${after('--name')}" not found.`)
  end(0, JSON.stringify(Object.keys(account.secrets).map((name) => ({ name, type: 'secret_text' }))))
}
if (command.startsWith('d1 migrations apply')) end(0)
if (command.startsWith('deploy')) {
  account.secrets = { ...account.secrets, ...secrets }
  const told = { type: 'deploy', version: 1, targets: [process.env.FAKE_WRANGLER_URL] }
  appendFileSync(
    process.env.WRANGLER_OUTPUT_FILE_PATH,
    `${JSON.stringify({ type: 'wrangler-session' })}\n${JSON.stringify(told)}\n`,
  )
  end(0)
}
end(1, `unexpected: ${args.join(' ')}`)
