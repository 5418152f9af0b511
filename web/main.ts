/**
 * The console's first page: what is moving, and how far it is. The operator's token comes in the address's fragment (`dray up`
 * prints the address), which browsers do not send, and stays in this tab.
 */
import type { MigrationView } from '../shared/api/migrations.ts'
import { formatLocation } from '../shared/location.ts'
import { agents, keptToken, migrations, Refused } from './api.ts'

const state = document.getElementById('state') as HTMLElement
const list = document.getElementById('migrations') as HTMLElement
const number = new Intl.NumberFormat('en')
const bytes = new Intl.NumberFormat('en', {
  notation: 'compact',
  style: 'unit',
  unit: 'byte',
  unitDisplay: 'narrow',
})
const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

const token = keptToken()

function element(name: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name)
  if (className) made.className = className
  made.append(...children)
  return made
}

function card(migration: MigrationView): HTMLElement {
  const { pass } = migration
  const route = `${formatLocation(migration.source)} → ${formatLocation(migration.destination)}`
  if (!pass) return element('article', '', element('h2', '', route), element('p', '', 'Not started yet.'))
  const { objects, bytes: moved } = pass.counts
  const settled = objects.same + objects.copied + objects.skipped + objects.vanished + objects.failed
  const bar = document.createElement('progress')
  bar.setAttribute('aria-label', `packets of ${route}`)
  const packets = pass.packets.ready + pass.packets.leased + pass.packets.done + pass.packets.parked
  if (!pass.surveying || pass.state !== 'running') {
    bar.max = Math.max(packets, 1)
    bar.value = packets === 0 ? 1 : pass.packets.done + pass.packets.parked
  }
  const figures = [
    `${number.format(settled)} objects${pass.surveying && pass.state === 'running' ? ' so far, still listing' : ''}`,
    `${number.format(objects.same)} were equal`,
    `${number.format(objects.copied)} copied (${bytes.format(moved.copied)})`,
    objects.failed > 0 ? `${number.format(objects.failed)} failed` : '',
  ].filter(Boolean)
  return element(
    'article',
    '',
    element('h2', '', route),
    element(
      'p',
      `state ${pass.state}`,
      `${pass.options.kind} ${pass.state}`,
      pass.options.dryRun ? ' (dry run)' : '',
    ),
    bar,
    element('p', '', figures.join(' · ')),
    ...pass.failureCauses.map((cause) =>
      element('p', 'failure', `${number.format(cause.objects)} × ${cause.code}: ${cause.message}`),
    ),
    element('p', 'quiet', `${migration.id}, pass ${pass.number}, since ${time.format(pass.startedAt)}`),
  )
}

let asOf: Date | null = null
async function refresh(): Promise<void> {
  try {
    const [all, known] = await Promise.all([migrations(token), agents(token)])
    asOf = new Date()
    const connected = known.filter((agent) => agent.connected).length
    state.textContent = `${connected} ${connected === 1 ? 'agent' : 'agents'} connected`
    list.replaceChildren(
      ...(all.length > 0
        ? all.map(card)
        : [element('p', '', 'Nothing has been moved yet. Try: dray copy SRC DST')]),
    )
  } catch (error) {
    state.textContent =
      error instanceof Refused && error.status === 401
        ? 'The token is missing or wrong. Open the address that “dray up” prints.'
        : `No answer from the control plane${asOf ? `; as of ${time.format(asOf)}` : ''}.`
  }
  setTimeout(refresh, 1000)
}
void refresh()
