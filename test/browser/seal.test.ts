/** What a real browser seals, the agent opens; and nothing else ever leaves the page. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type ControlPlane, startControlPlane } from '../../agent/embed/control-plane.ts'
import type { Identity } from '../../agent/identity/identity.ts'
import { fetchSealed } from '../../shared/api/connections.ts'
import { fingerprint } from '../../shared/identity/keys.ts'
import { open } from '../../shared/seal.ts'
import { proofOf } from '../support/identities.ts'
import { openBrowser, openPage } from './browser.ts'

const endpoint = 'https://s3.example.com'
const keys = {
  accessKeyId: 'AKIDBROWSER',
  secretAccessKey: 'planted+secret/of=the-browser',
  sessionToken: 'planted-token',
}

let stateDir: string
let plane: ControlPlane
let identity: Identity
let agent: Agent
let browser: Browser

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'dray-seal-'))
  plane = await startControlPlane({ stateDir, console: true })
  identity = plane.identity
  browser = await openBrowser()
  const response = await fetch(new URL('/api/workspaces/local/connections', plane.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${plane.token}` },
    body: JSON.stringify({ id: 'photos', endpoint, credential: { kind: 'sealed' } }),
  })
  expect(response.status).toBe(201)
  const connected = Promise.withResolvers<void>()
  agent = startAgent({
    url: plane.url,
    identity,
    allow: allowAll,
    stateDir,
    version: 'test',
    concurrency: 8,
    memory: leastBudget,
    log: ({ event }) => event === 'connected' && connected.resolve(),
  })
  await connected.promise
})

async function fetched(): Promise<Response> {
  const url = new URL('/agent/connections/photos', plane.url)
  return fetch(url, { headers: { authorization: await proofOf(identity, 'GET', url) } })
}

afterAll(async () => {
  await browser?.close()
  await agent?.stop()
  await plane?.stop()
  await rm(stateDir, { recursive: true, force: true })
})

it('seals an access key to the agents of the site, whose fingerprint it shows', async () => {
  const { context, page, troubles } = await openPage(browser)
  const sent: string[] = []
  page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`))
  await page.goto(new URL(`/seal.html?connection=photos#token=${plane.token}`, plane.url).href)
  await page.getByText(await fingerprint(identity.rootKey!)).waitFor()

  expect(await page.locator('#endpoint').textContent()).toBe(endpoint)
  await page.getByLabel(/Access key ID/).fill(keys.accessKeyId)
  await page.getByLabel(/Secret access key/).fill(keys.secretAccessKey)
  await page.getByLabel(/Session token/).fill(keys.sessionToken)
  // Nothing goes before a person has compared the fingerprints.
  await page.getByRole('button', { name: 'Seal' }).click()
  expect(sent.some((request) => request.includes('/sealed'))).toBe(false)
  await page.getByRole('checkbox').check()
  await page.getByRole('button', { name: 'Seal' }).click()
  await page.getByText(`Sealed version 1 of the secret of photos to ${identity.agent}.`).waitFor()

  expect(sent.some((request) => request.includes('dray-seal-1.'))).toBe(true)
  for (const request of sent) {
    for (const secret of [keys.accessKeyId, keys.secretAccessKey, keys.sessionToken]) {
      expect(request).not.toContain(secret)
      expect(request).not.toContain(encodeURIComponent(secret))
    }
  }
  expect(await page.getByLabel(/Secret access key/).inputValue()).toBe('')
  expect(troubles).toEqual([])
  await context.close()

  const { envelope } = fetchSealed.answer.parse(await (await fetched()).json())
  const binding = { workspace: 'local', site: identity.site, connection: 'photos', endpoint }
  expect(JSON.parse(await open(envelope, identity.sealing.private, binding))).toEqual(keys)
})

it('says that keys are none, and of any other trouble what it is', async () => {
  const { context, page } = await openPage(browser)
  await page.goto(new URL(`/seal.html?connection=photos#token=${plane.token}`, plane.url).href)
  await page.getByText(await fingerprint(identity.rootKey!)).waitFor()
  await page.getByLabel(/Secret access key/).fill(keys.secretAccessKey)
  await page.getByRole('checkbox').check()
  await page.getByLabel(/Access key ID/).fill('AKID BROWSER')
  await page.getByRole('button', { name: 'Seal' }).click()
  await page.getByText('That is no access key').waitFor()

  // As something between the browser and the control plane would answer.
  await page.route('**/sealed', (route) => route.fulfill({ body: 'Welcome to the network of this hotel' }))
  await page.getByLabel(/Access key ID/).fill(keys.accessKeyId)
  await page.getByRole('button', { name: 'Seal' }).click()
  await page.getByText('That did not work: ').waitFor()
  await context.close()
})
