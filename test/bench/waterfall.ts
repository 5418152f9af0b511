/**
 * `node test/bench/waterfall.ts`: how many questions of each page wait for the answer of another one before they are asked, in a real browser on
 * a real control plane. Answers are held back until nothing more is asked, round by round: what is asked in the third round has waited for two.
 * Exit status 1 where a page goes deeper than two.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Route } from 'playwright-core'
import { openBrowser, openPage } from '../browser/browser.ts'
import { startUp } from '../browser/up.ts'

const root = mkdtempSync(join(tmpdir(), 'dray-waterfall-'))
/** Ms without a further question after which a round is whole. */
const quietMs = 800
const deepest = 2

const pages = [
  '',
  ...['/migrations', '/new-migration', '/migrations/papers', '/migrations/papers/activity'],
  ...['/migrations/papers/packets', '/migrations/papers/passes', '/migrations/papers/settings'],
  ...['/sites', '/sites/local', '/connections', '/connections/aws', '/schedules', '/limits', '/webhooks'],
  ...['/people', '/audit', '/settings'],
]

mkdirSync(join(root, 'source'))
writeFileSync(join(root, 'source', 'one'), 'one')
const up = await startUp(join(root, 'state'))
const browser = await openBrowser()
try {
  const place = (name: string) => ({ kind: 'file', path: join(root, name), site: 'local' })
  const filter = { include: [], exclude: [], only: null }
  await up.api('PUT', 'migrations/papers', {
    ...{ source: place('source'), destination: place('destination'), filter },
  })
  await up.api('POST', 'migrations/papers/passes', {})
  await up.api('POST', 'connections', { id: 'aws', credential: { kind: 'profile', profile: null } })
  for (const path of pages) {
    const { context, page } = await openPage(browser)
    await page.addInitScript({ content: `sessionStorage.setItem('token', '${up.token}')` })
    let held: Route[] = []
    let last = performance.now()
    const known = new Set<string>()
    let fresh: string[] = []
    await page.route('**/api/**', (route) => {
      const { pathname, search } = new URL(route.request().url())
      const what = `${route.request().method()} ${pathname.replace('/api/workspaces/local', '')}${search}`
      if (!known.has(what)) fresh.push(what)
      known.add(what)
      last = performance.now()
      held.push(route)
    })
    await page.goto(`${up.origin}/w/local${path}`)
    while (held.length === 0) await sleep(50)
    const rounds: string[][] = []
    for (;;) {
      while (performance.now() - last < quietMs) await sleep(50)
      if (fresh.length === 0) break
      rounds.push(fresh)
      fresh = []
      const going = held
      held = []
      last = performance.now()
      await Promise.all(going.map((route) => route.continue().catch(() => {})))
    }
    console.log(`${rounds.length}  ${path || '/'}`)
    if (rounds.length > deepest) {
      process.exitCode = 1
      for (const [i, asked] of rounds.entries()) console.log(`     ${i + 1}: ${asked.join(', ')}`)
    }
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await context.close()
  }
} finally {
  await browser.close()
  await up.stop()
  rmSync(root, { recursive: true, force: true })
}
