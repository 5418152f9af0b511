/** Sites, agents and connections in a real browser: an agent that joins by the command that the page shows, and a store that it is let at. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openBrowser, openPage, phone, violations, type Watched } from './browser.ts'
import { startUp, type Up } from './up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-sites-'))
const secret = 'secret/of+the=test'
const pictures = process.env.DRAY_SCREENSHOTS
const program = join(import.meta.dirname, '..', '..', 'agent', 'main.ts')

let browser: Browser
let store: S3Server
let up: Up
let visit: Watched
let page: Page
/** What the agent is called: after its machine. */
let agent: string
let letGo = () => {}
const gone = new Promise<void>((resolve) => {
  letGo = resolve
})
let reached = () => {}
const atGate = new Promise<void>((resolve) => {
  reached = resolve
})
const running: ChildProcess[] = []

/** In a shell of the agent's machine, where `dray` is installed. */
function there(command: string): Promise<number | null> {
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...rest } = process.env
  const env = {
    ...rest,
    PATH: `${join(root, 'bin')}:${process.env.PATH}`,
    DRAY_STATE_DIR: join(root, 'agent'),
  }
  const child = spawn('sh', ['-c', `exec 2>&1; ${command.replace('&& dray', '&& exec dray')}`], { env })
  running.push(child)
  return new Promise((resolve) => child.once('exit', resolve))
}

beforeAll(async () => {
  mkdirSync(join(root, 'bin'))
  writeFileSync(join(root, 'bin', 'dray'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
  chmodSync(join(root, 'bin', 'dray'), 0o755)
  mkdirSync(join(root, 'data'))
  for (let i = 0; i < 20; i++) writeFileSync(join(root, 'data', `file ${i}`), `content ${i}`)
  store = await startS3Server({
    credentials: { AKIDTEST: secret },
    hooks: {
      beforeRequest: async ({ operation, key }) => {
        if (operation !== 'PutObject' || !key?.startsWith('file')) return null
        reached()
        await gone
        return null
      },
    },
  })
  store.createBucket('vault')
  up = await startUp(join(root, 'state'))
  browser = await openBrowser()
  visit = await openPage(browser)
  page = visit.page
  await page.goto(`${up.origin}/#token=${up.token}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
})

afterAll(async () => {
  letGo()
  await browser?.close()
  for (const child of running) if (child.exitCode === null) child.kill('SIGKILL')
  await up?.stop()
  await store?.stop()
  rmSync(root, { recursive: true, force: true })
})

const go = async (path: string, where = page) => {
  await where.goto(`${up.origin}/w/local${path}`)
  await where.getByRole('heading', { level: 1 }).waitFor()
}
const picture = (name: string, where = page) =>
  pictures && where.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })

/** By the keyboard alone: on to what is called so. */
async function tabTo(name: string | RegExp, where = page): Promise<void> {
  const fits = (text: string) => (typeof name === 'string' ? text === name : name.test(text))
  for (let i = 0; i < 80; i++) {
    const text = (await where.evaluate(
      `(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.labels?.[0]?.textContent ?? document.activeElement?.textContent ?? '').trim()`,
    )) as string
    if (fits(text)) return
    await where.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not lead to ${name}`)
}
async function enter(name: string | RegExp, text?: string): Promise<void> {
  await tabTo(name)
  if (text === undefined) await page.keyboard.press('Enter')
  else await page.keyboard.type(text)
}

async function deed(of: string, name: string): Promise<void> {
  await page
    .getByRole('button', { name: `More about ${of}` })
    .first()
    .click()
  await page.getByRole('menuitem', { name, exact: true }).click()
}

it('lets an agent join by one command, by the keyboard alone, and sees it come', async () => {
  await go('/sites')
  await enter('Let an agent join')
  await page.getByRole('dialog').waitFor()
  await enter('Name of the site', 'paris')
  await enter('Region', 'eu-west-3')
  await enter('Labels', 'team=storage')
  await enter('What the agent may touch', `${store.url.origin}/*\n${join(root, 'data')}`)
  expect(await violations(page)).toEqual([])
  await enter('Make the command')
  await page.getByText('Waiting for the agent…').waitFor()
  expect(await violations(page)).toEqual([])
  await picture('sites-waiting')
  const command = await page.getByRole('region', { name: 'Command' }).innerText()
  void there(command)
  const said = page.getByText(/ has joined and is connected\.$/)
  await said.waitFor()
  agent = (await said.innerText()).split(' ')[0]!
  await enter('Done')
  await page.getByRole('link', { name: agent, exact: true }).waitFor()
  await page.getByText('team=storage').waitFor()
  expect(visit.troubles).toEqual([])
})

it('makes a connection, seals its key, and has the agent try it', async () => {
  await go('/connections')
  await page.getByText('No connection yet').waitFor()
  await page.getByRole('button', { name: 'New connection' }).click()
  await page.getByLabel('Name', { exact: true }).fill('vault')
  await page.getByLabel('Endpoint').fill(store.url.origin)
  await page.getByLabel(/^An access key, sealed/).check()
  await page.getByLabel('paris').check()
  await page.getByRole('button', { name: 'Create it, and seal its key' }).click()
  await page.waitForURL(/\/seal\.html/)
  await page.getByText(`paris: ${agent}`).waitFor()
  await page.getByLabel('Access key ID').fill('AKIDTEST')
  await page.getByLabel('Secret access key').fill(secret)
  await page.getByRole('checkbox').check()
  expect(await violations(page)).toEqual([])
  await page.getByRole('button', { name: 'Seal' }).click()
  await page.getByText('Sealed version 1').waitFor()
  await page.getByRole('link', { name: 'Back to the console' }).click()
  await page.getByRole('link', { name: 'vault' }).click()
  await page.getByRole('region', { name: 'Who has the secret' }).getByText('yes').waitFor()

  await page.getByRole('button', { name: 'List the buckets' }).click()
  await page.getByText('1 found: choose one.').waitFor()
  await page.getByLabel('Bucket').fill('vault')
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  const row = (check: string) => page.getByRole('row').filter({ hasText: check })
  await row('Upload in parts').getByText('yes').waitFor()
  await row('Refuse a broken body').getByText('yes').waitFor()
  await page.getByText('Its clock agrees with the agent’s.').waitFor()
  expect(await violations(page)).toEqual([])
  await picture('connection-tested')
  // It is still known where one comes back to.
  await page.getByRole('navigation').getByRole('link', { name: 'Connections' }).click()
  await page
    .getByRole('row')
    .filter({ hasText: 'vault' })
    .getByText(/cannot be done|can be done/)
    .waitFor()
  expect(visit.troubles).toEqual([])
})

it('says that somebody else has changed a connection meanwhile, and takes the change to what it is now', async () => {
  await go('/connections/vault')
  await deed('vault', 'Edit')
  await page.getByLabel('Region').fill('mine')
  await up.api('PATCH', 'connections/vault', { region: 'theirs' })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('alert').getByText('was changed by somebody else').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('region', { name: 'Settings' }).getByText('theirs').first().waitFor()
  await deed('vault', 'Edit')
  await page.getByLabel('Region').fill('us-east-1')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('vault was changed.').waitFor()
  await page.getByRole('region', { name: 'Settings' }).getByText('us-east-1').first().waitFor()
  expect(visit.troubles).toEqual([])
})

it('shows what the agent does now, and drains it', async () => {
  const place = { kind: 's3', bucket: 'vault', prefix: '', endpoint: null, region: null, profile: null }
  await up.api('PUT', 'migrations/work', {
    source: { kind: 'file', path: join(root, 'data'), site: 'paris' },
    destination: { ...place, site: null, connection: 'vault' },
    filter: { include: [], exclude: [], only: null },
  })
  await up.api('POST', 'migrations/work/passes', {})
  await atGate
  await go('/sites?site=paris')
  const row = page.getByRole('row').filter({ hasText: agent })
  await row.getByRole('link', { name: 'work' }).waitFor()
  await row.getByText('1 packet').waitFor()
  await go(`/agents/${agent}`)
  await page.getByRole('region', { name: 'Does now' }).getByRole('link', { name: 'work' }).waitFor()
  expect(await violations(page)).toEqual([])
  await picture('agent-at-work')
  await deed(agent, 'Drain')
  await page.getByText(`It is the only agent of paris that is connected`).waitFor()
  await page.getByRole('button', { name: 'Drain', exact: true }).click()
  await page.getByText('Draining').first().waitFor()
  const left = new Promise((resolve) => running[0]!.once('exit', resolve))
  letGo()
  expect(await left).toBe(0)
  await page.getByText('Away').first().waitFor()
  expect(visit.troubles).toEqual([])
})

it('refuses to delete a connection that is used, and deletes it when it is not', async () => {
  await up.api('POST', 'connections', {
    id: 'spare',
    endpoint: store.url.origin,
    credential: { kind: 'anonymous' },
  })
  await go('/connections/vault')
  await page.getByRole('link', { name: 'work' }).waitFor()
  await deed('vault', 'Delete the connection')
  await page.getByLabel('Type vault to go on').fill('vault')
  await page.getByRole('button', { name: 'Delete the connection' }).click()
  await page.getByRole('alert').getByText('is used by work').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await go('/connections/spare')
  await deed('spare', 'Delete the connection')
  await page.getByLabel('Type spare to go on').fill('spare')
  await page.getByRole('button', { name: 'Delete the connection' }).click()
  await page.waitForURL(/\/connections$/)
  expect(await page.getByRole('link', { name: 'spare' }).count()).toBe(0)
  expect(visit.troubles).toEqual([])
})

it('shuts an agent out for good, and says which keys are to be made anew', async () => {
  const ended = there('dray agent run')
  await go(`/agents/${agent}`)
  await page.getByText('Nothing: it waits for work.').waitFor()
  await deed(agent, 'Revoke')
  const asked = page.getByRole('alertdialog')
  await asked.getByText('It has 1 secret.').waitFor()
  const revoke = asked.getByRole('button', { name: 'Revoke' })
  expect(await revoke.isDisabled()).toBe(true)
  await page.getByLabel(`Type ${agent} to go on`).fill(agent)
  await revoke.click()
  await page.getByText('It had these secrets').waitFor()
  expect(await ended).not.toBe(0)
  await picture('agent-revoked')
  await page.getByRole('link', { name: 'vault' }).first().click()
  await page.getByText(`${agent} was revoked and had the secret`).waitFor()
  await go('/sites?site=paris')
  await page.getByText('No agent has joined this site yet.').waitFor()
  await page.getByLabel('State').selectOption('revoked')
  await page.getByRole('link', { name: agent, exact: true }).waitFor()
  expect(visit.troubles).toEqual([])
})

it('takes a join token back, changes a site, and deletes one', async () => {
  await up.api('POST', 'sites', { id: 'oslo' })
  await up.api('POST', 'sites/oslo/tokens', { uses: 3 })
  await go('/sites/oslo')
  const open = page.getByRole('region', { name: 'Open join tokens' })
  await open.getByText('0 of 3').first().waitFor()
  await open.getByRole('button', { name: 'Take back' }).click()
  await open.getByText('There is none.').waitFor()
  await deed('oslo', 'Edit')
  await page.getByLabel('Region').fill('north')
  await up.api('PATCH', 'sites/oslo', { region: 'elsewhere' })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Somebody else has changed it meanwhile.').waitFor()
  await page.getByRole('button', { name: 'Show what it is now' }).click()
  await expect.poll(() => page.getByLabel('Region').inputValue()).toBe('elsewhere')
  await page.getByLabel('Region').fill('north')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('oslo was changed.').waitFor()
  await deed('oslo', 'Delete the site')
  await page.getByLabel('Type oslo to go on').fill('oslo')
  await page.getByRole('button', { name: 'Delete the site' }).click()
  await page.waitForURL(/\/sites$/)
  await page.getByText('The site oslo was deleted.').waitFor()
  expect(visit.troubles).toEqual([])
})

it('shows no deeds to whom they are not allowed, and says what is not shown', async () => {
  const { secret: token } = await up.api<{ secret: string }>('POST', 'tokens', {
    name: 'looks',
    scopes: ['sites:read'],
  })
  const reader = await openPage(browser)
  await reader.page.goto(`${up.origin}/#token=${token}`)
  await reader.page.getByRole('heading', { level: 1 }).waitFor()
  await go('/sites', reader.page)
  await reader.page.getByRole('link', { name: 'paris', exact: true }).waitFor()
  expect(await reader.page.getByRole('button', { name: /Let an agent join|More about/ }).count()).toBe(0)
  await go('/connections', reader.page)
  await reader.page.getByText('Your role in this workspace does not show').waitFor()
  expect(reader.troubles).toEqual([])
  await reader.context.close()
})

it('is without barriers and fits on a phone, dark', async () => {
  const seen = await openPage(browser, phone)
  await seen.page.emulateMedia({ colorScheme: 'dark' })
  await seen.page.goto(`${up.origin}/#token=${up.token}`)
  await seen.page.getByRole('heading', { level: 1 }).waitFor()
  for (const path of ['/sites', '/sites/paris', `/agents/${agent}`, '/connections', '/connections/vault']) {
    await go(path, seen.page)
    await seen.page.waitForLoadState('networkidle')
    expect({ path, violations: await violations(seen.page) }).toEqual({ path, violations: [] })
    const width = await seen.page.evaluate('document.documentElement.scrollWidth')
    expect({ path, width }).toEqual({ path, width: phone.width })
    await picture(`phone${path.replaceAll('/', '-')}`, seen.page)
  }
  expect(seen.troubles).toEqual([])
  await seen.context.close()
})
