/** The form that seals a connection's secret (`/seal.html`). Nothing that is typed into it is kept: not in the page, nor in the browser. */
import './no-eval.ts'
import { listAgents } from '../shared/api/agents.ts'
import { type ConnectionView, listConnections, sealConnection } from '../shared/api/connections.ts'
import { listSites } from '../shared/api/sites.ts'
import { fingerprint } from '../shared/identity/keys.ts'
import { s3KeysSchema } from '../shared/s3-keys.ts'
import { all, call, Refused } from './api.ts'
import { type Recipients, recipientsOf, sealed } from './seal.ts'
import { sealTexts } from './seal-texts.ts'

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
  if (connections.length === 0) say(sealTexts.none)
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
  place.textContent = connection.endpoint ?? sealTexts.aws
  recipients = await recipientsOf(workspace, connection, sites, agents)
  const rows = await Promise.all(
    recipients.sites.map(async ({ id, rootKey }) => {
      const row = document.createElement('li')
      const names = recipients?.agents.filter(({ site }) => site === id).map((agent) => agent.id) ?? []
      row.append(sealTexts.site(id, names.join(', ')))
      const code = document.createElement('code')
      code.textContent = await fingerprint(rootKey)
      row.append(code)
      return row
    }),
  )
  places.replaceChildren(...rows)
  const left = recipients.left.map(({ id }) => id).join(', ')
  say(recipients.agents.length === 0 ? sealTexts.noAgents : left && sealTexts.left(left))
}

async function submit(): Promise<void> {
  const connection = chosen()
  if (!connection || !recipients || recipients.agents.length === 0) return
  const sessionToken = field('session-token').value
  const keys = s3KeysSchema.safeParse({
    accessKeyId: field('access-key-id').value,
    secretAccessKey: field('secret-access-key').value,
    ...(sessionToken && { sessionToken }),
  }).data
  if (!keys) return say(sealTexts.noKeys, true)
  const copies = await sealed(workspace, connection, keys, recipients.agents)
  const version = connection.secretVersion + 1
  const params = { workspace, connection: connection.id }
  await call(sealConnection, { params, body: { version, copies } })
  form.reset()
  await begin()
  say(sealTexts.sealed(version, connection.id, copies.map(({ agent }) => agent).join(', ')))
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
        : sealTexts.unforeseen(error instanceof Error ? error.message : String(error)),
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
