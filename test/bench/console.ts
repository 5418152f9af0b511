/**
 * `node test/bench/console.ts ADDRESS [MIGRATION] [--seconds 20]`: opens a migration that runs in Chromium and measures how long the page takes
 * from an event to the next paint (Event Timing, in steps of 8 ms), which tasks were long, and what it holds in memory. ADDRESS is what `node test/bench/million-packets.ts --hold`
 * prints, with its token. Exits with 1 where an interaction took 100 ms or more at the 95th percentile.
 */
import { parseArgs } from 'node:util'
import { openBrowser, openPage } from '../browser/browser.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '20' } },
})
const [address, migration = 'million'] = positionals
if (address === undefined) {
  console.error('Usage: node test/bench/console.ts ADDRESS [MIGRATION] [--seconds 20]')
  process.exit(2)
}
const most = 100

const browser = await openBrowser()
try {
  const { page, context } = await openPage(browser)
  await context.addInitScript({
    content: `window.__events = []; window.__tasks = []
      new PerformanceObserver((list) => { for (const { name, duration } of list.getEntries()) __events.push([name, duration]) }).observe({ type: 'event', durationThreshold: 16, buffered: true })
      new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) __tasks.push(duration) }).observe({ type: 'longtask', buffered: true })`,
  })
  const url = new URL(address)
  await page.goto(`${url.origin}/w/local/migrations/${migration}${url.hash}`)
  const strip = page.getByRole('slider', { name: 'The key space' })
  await strip.waitFor({ timeout: 60_000 })

  const rows: Record<string, { n: number; p50: number; p95: number; max: number; 'worst task': number }> = {}
  /** What was slower than a frame is told by the browser; what is not told was faster. */
  const measure = async (name: string, n: number, interact: (i: number) => Promise<unknown>) => {
    await page.evaluate('(__events.length = 0, __tasks.length = 0)')
    for (let i = 0; i < n; i++) {
      await interact(i)
      // Events are told after the paint that follows them.
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))')
    }
    const kinds = ['keydown', 'pointerdown', 'pointerup', 'click', 'input', 'keypress', 'keyup']
    const [events, tasks] = (await page.evaluate('[__events, __tasks]')) as [[string, number][], number[]]
    const told = events.filter(([kind]) => kinds.includes(kind)).map(([, ms]) => ms)
    const slow = told.sort((a, b) => b - a).slice(0, n)
    const all = [...new Array<number>(n - slow.length).fill(8), ...slow.reverse()]
    const at = (share: number) => all[Math.min(n - 1, Math.floor(n * share))]!
    const worst = Math.round(Math.max(0, ...tasks))
    rows[name] = { n, p50: at(0.5), p95: at(0.95), max: all.at(-1)!, 'worst task': worst }
  }

  await strip.focus()
  await measure('arrow keys on the strip', 40, () => page.keyboard.press('ArrowRight'))
  await measure('] to the next failure', 20, () => page.keyboard.press(']'))
  await measure('by bytes, by keys', 6, (i) =>
    page
      .locator('.strip select')
      .first()
      .selectOption(i % 2 ? 'keys' : 'bytes'),
  )
  await strip.focus()
  await measure('z to look closer, Escape back', 12, async (i) => {
    await page.keyboard.press(i % 2 ? 'Escape' : 'z')
    if (i % 2 === 0) await page.getByRole('slider', { name: 'A part of it, closer' }).waitFor()
    await strip.focus()
  })
  const go = (tab: string) => page.locator('.tabs a').filter({ hasText: tab }).click()
  await go('Activity')
  await page.locator('.throughput canvas').waitFor({ timeout: 60_000 })
  await measure('arrow keys on the chart', 20, async (i) => {
    if (i === 0) await page.getByRole('slider', { name: 'Throughput' }).focus()
    await page.keyboard.press('ArrowLeft')
  })
  // Each tab's code is fetched once.
  const tabs = ['Packets', 'Passes', 'Definition', 'Failures', 'Activity']
  for (const tab of tabs) await go(tab)
  for (const tab of tabs) {
    const other = tab === 'Definition' ? 'Failures' : 'Definition'
    // Each second one is back to where it is quick to be.
    await measure(`to the tab ${tab}, and back`, 8, (i) => go(i % 2 ? other : tab))
  }
  await page.locator('.tabs a').filter({ hasText: 'Failures' }).click()
  const filter = page.getByLabel('Key or message holds')
  await filter.focus()
  await measure('typing in a filter', 24, (i) => page.keyboard.press(String.fromCharCode(97 + (i % 26))))

  await page.evaluate('__tasks.length = 0')
  const heap = async () =>
    Math.round(((await page.evaluate('performance.memory.usedJSHeapSize')) as number) / 2 ** 20)
  const before = await heap()
  await page.waitForTimeout(Number(values.seconds) * 1000)
  const tasks = ((await page.evaluate('__tasks')) as number[]).map(Math.round)
  console.table(rows)
  console.log(
    `looking on for ${values.seconds} s: ${tasks.length} tasks of 50 ms or more, the longest ${Math.max(0, ...tasks)} ms; heap ${before} MiB, then ${await heap()} MiB`,
  )
  if (Object.values(rows).some(({ p95 }) => p95 >= most)) process.exitCode = 1
} finally {
  await browser.close()
}
