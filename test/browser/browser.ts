/** Debian's Chromium, for tests: nothing but loopback is contacted, and whatever the pages' policy refuses fails the test. */
import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const program = process.env.DRAY_CHROMIUM ?? '/usr/bin/chromium'

export const desktop = { width: 1280, height: 800 }
export const phone = { width: 390, height: 844 }

export async function openBrowser(): Promise<Browser> {
  if (!existsSync(program)) {
    throw new Error(
      `${program} is missing: install Debian's chromium, or name another one with DRAY_CHROMIUM`,
    )
  }
  return chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export interface Watched {
  readonly context: BrowserContext
  readonly page: Page
  /** What went wrong in the page: exceptions, errors on the console, and what its security policy refused. */
  readonly troubles: string[]
}

export async function openPage(browser: Browser, viewport = desktop): Promise<Watched> {
  const context = await browser.newContext({ viewport, locale: 'en-GB', timezoneId: 'Europe/Berlin' })
  const troubles: string[] = []
  await context.exposeBinding('__refused', (_, what: string) => void troubles.push(what))
  await context.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', (event) =>
      __refused('policy: ' + event.violatedDirective + ' ' + event.blockedURI))`,
  })
  const page = await context.newPage()
  page.on('pageerror', (error) => void troubles.push(`exception: ${error.message}`))
  page.on('console', (message) => {
    // Answers of 401 and the like are part of what is tested.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      troubles.push(`console: ${message.text()}`)
    }
  })
  return { context, page, troubles }
}

/** Barriers of WCAG 2.2 A and AA, as far as a program can see. */
export async function violations(page: Page): Promise<string[]> {
  // The policy of the page lets no script of ours into it; what the debugger evaluates is not the page's.
  await page.evaluate(axe.source)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  return (await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(tags)} }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map((n) => n.html).join(' | ')))`,
  )) as string[]
}
