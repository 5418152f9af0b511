/** The form that seals a connection's secret (`/seal.html`). Nothing that is typed into it is kept: not in the page, nor in the browser. */
import './no-eval.ts'
import { listAgents } from '../shared/api/agents.ts'
import { type ConnectionView, listConnections, sealConnection } from '../shared/api/connections.ts'
import { listSites } from '../shared/api/sites.ts'
import { fingerprint } from '../shared/identity/keys.ts'
import { all, call, Refused } from './api.ts'
import { type Recipients, recipientsOf, sealed } from './seal.ts'

// What the console was told to look like (console/theme.ts).
const theme = localStorage.getItem('theme')
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme

const form = document.getElementById('form') as HTMLFormElement
const said = document.getElementById('said') as HTMLElement
const places = document.getElementById('sites') as HTMLElement
const place = document.getElementById('endpoint') as HTMLElement
const choice = form.elements.namedItem('connection') as HTMLSelectElement
const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement

const query = new URLSearchParams(location.search)
const workspace = query.get('workspace') ?? 'local'

/** To where whoever was sent here came from: a page of the console, and nothing else. */
const given = query.get('back') ?? `/w/${encodeURIComponent(workspace)}/connections`
const back = URL.canParse(given, location.origin) ? new URL(given, location.origin) : null
if (back?.origin === location.origin && back.pathname.startsWith('/w/')) {
  const way = document.getElementById('back') as HTMLAnchorElement
  way.href = back.pathname + back.search
  way.hidden = false
}

let connections: ConnectionView[] = []
let recipients: Recipients | null = null

const chosen = () => connections.find(({ id }) => id === choice.value)

async function begin(): Promise<void> {
  connections = (await all(listConnections, { params: { workspace } })).flatMap((page) => page.connections)
  connections = connections.filter(({ credential }) => credential.kind === 'sealed')
  choice.replaceChildren(...connections.map(({ id }) => new Option(id, id, id === query.get('connection'))))
  if (connections.length === 0) say('No connection has a sealed secret. Create one: dray connection create.')
  else await look()
}

/** Whom it would be sealed to, and the fingerprints that only people can compare. */
async function look(): Promise<void> {
  const connection = chosen()
  if (!connection) return
  const [sites, agents] = await Promise.all([
    all(listSites, { params: { workspace } }).then((pages) => pages.flatMap((page) => page.sites)),
    all(listAgents, { params: { workspace } }).then((pages) => pages.flatMap((page) => page.agents)),
  ])
  place.textContent = connection.endpoint ?? 'AWS'
  recipients = await recipientsOf(workspace, connection, sites, agents)
  const rows = await Promise.all(
    recipients.sites.map(async ({ id, rootKey }) => {
      const row = document.createElement('li')
      const names = recipients?.agents.filter(({ site }) => site === id).map((agent) => agent.id) ?? []
      row.append(`${id}: ${names.join(', ')}. Root key `)
      const code = document.createElement('code')
      code.textContent = await fingerprint(rootKey)
      row.append(code)
      return row
    }),
  )
  places.replaceChildren(...rows)
  const left = recipients.left.map(({ id }) => id).join(', ')
  say(
    recipients.agents.length === 0
      ? 'None of its agents is certified by the root key of its site.'
      : left && `Not certified by the root key of their site, and left out: ${left}.`,
  )
}

async function submit(): Promise<void> {
  const connection = chosen()
  if (!connection || !recipients || recipients.agents.length === 0) return
  const sessionToken = field('session-token').value
  const keys = {
    accessKeyId: field('access-key-id').value,
    secretAccessKey: field('secret-access-key').value,
    ...(sessionToken && { sessionToken }),
  }
  const copies = await sealed(workspace, connection, keys, recipients.agents)
  const version = connection.secretVersion + 1
  const params = { workspace, connection: connection.id }
  await call(sealConnection, { params, body: { version, copies } })
  form.reset()
  await begin()
  say(
    `Sealed version ${version} of the secret of ${connection.id} to ${copies.map(({ agent }) => agent).join(', ')}.`,
  )
}

const say = (text: string, isWrong = false) => {
  said.textContent = text
  said.classList.toggle('wrong', isWrong)
}

function attempt(act: () => Promise<void>): void {
  act().catch((error: unknown) => {
    say(
      error instanceof Refused
        ? [error.message, ...(error.hint ? [error.hint] : [])].join('. ')
        : 'That is no access key: letters, digits and signs, without spaces.',
      true,
    )
  })
}

choice.addEventListener('change', () => attempt(look))
form.addEventListener('submit', (event) => {
  event.preventDefault()
  attempt(submit)
})
attempt(begin)
