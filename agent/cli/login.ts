/** `dray login`, `dray logout`, `dray whoami`: the device flow (RFC 8628), in which the browser is where a person signs in. */
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { listSessions, type Me, readMe, revokeSession } from '../../shared/api/me.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { configDir } from './config-dir.ts'
import { exitCodes, type Io, throwIfInterrupted } from './io.ts'
import { forgetLogin, readLogin, saveLogin } from './logins.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import { planeClient, reasonOf } from './plane-client.ts'
import { parseEndpoint } from './request.ts'
import { table } from './table.ts'

export interface LoginOptions {
  workspace?: string
  json: boolean
}

const startedSchema = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.url(),
  verification_uri_complete: z.url(),
  /** Seconds. */
  expires_in: z.number(),
  interval: z.number(),
})
const grantedSchema = z.object({ access_token: z.string() })
const refusedSchema = z.object({ error: z.string() })

const clientId = 'dray'

export async function runLogin(address: string, options: LoginOptions, io: Io): Promise<number> {
  const url = new URL(parseEndpoint('URL', address))
  const started = startedSchema.parse(
    (await post(url, '/api/auth/device/code', { client_id: clientId }, io)).json,
  )
  io.stderr.write(
    visible(
      `Open ${started.verification_uri_complete}\nand confirm that it shows the code ${grouped(started.user_code)}. Waiting …\n`,
    ),
  )
  const token = await granted(url, started, io)
  const me = await planeClient({ url, token, workspace: '' }, io.signal).call(readMe, {})
  const workspace = choose(me, options.workspace)
  saveLogin(configDir(), { url: url.origin, token, workspace })
  if (options.json) io.stdout.write(`${JSON.stringify({ url: url.origin, workspace, ...me })}\n`)
  else {
    io.stdout.write(visible(`Signed in to ${url.origin} as ${me.name} <${me.email}>.\n`))
    io.stdout.write(
      workspace === null
        ? 'You are a member of no workspace yet: make one with dray workspace create ID, or ask for an invitation.\n'
        : visible(
            `Commands now ask it, about the workspace ${workspace}; --control-plane local asks this machine’s.\n`,
          ),
    )
  }
  return exitCodes.equal
}

/** Until the person has said yes or no, or the code is too old. */
async function granted(url: URL, started: z.infer<typeof startedSchema>, io: Io): Promise<string> {
  const deadline = performance.now() + started.expires_in * 1000
  const body = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: started.device_code,
    client_id: clientId,
  }
  // A little more than asked for: too soon by a millisecond is too soon.
  for (let pauseMs = started.interval * 1000 + 100; performance.now() < deadline; ) {
    await sleep(pauseMs, undefined, { signal: io.signal }).catch(() => throwIfInterrupted(io.signal))
    const { status, json } = await post(url, '/api/auth/device/token', body, io)
    if (status === 200) return grantedSchema.parse(json).access_token
    const { error } = refusedSchema.catch({ error: `status ${status}` }).parse(json)
    if (error === 'access_denied') throw refused('the sign-in was refused in the browser')
    if (error === 'slow_down' || status === 429) pauseMs += 5_000
    else if (error !== 'authorization_pending') break
  }
  throw refused('nobody confirmed the code in time')
}

const refused = (message: string) =>
  new DrayError('bad-credentials', 'sign in', message, { hint: 'Run dray login again for another code.' })

async function post(
  url: URL,
  path: string,
  body: unknown,
  io: Io,
): Promise<{ status: number; json: unknown }> {
  let response: Response
  let json: unknown
  try {
    response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': `dray/${io.version} (${hostname()})` },
      body: JSON.stringify(body),
      signal: AbortSignal.any([io.signal, AbortSignal.timeout(30_000)]),
    })
    json = await response.json().catch(() => null)
  } catch (cause) {
    throwIfInterrupted(io.signal)
    throw new DrayError(
      'unreachable',
      'sign in',
      `no control plane answers at ${url.href} (${reasonOf(cause)})`,
      {
        hint: 'Check the address, and that the control plane is up.',
        cause,
      },
    )
  }
  if (response.ok || refusedSchema.safeParse(json).success || response.status === 429) {
    return { status: response.status, json }
  }
  const { detail } = z
    .object({ detail: z.string() })
    .catch({ detail: `status ${response.status}` })
    .parse(json)
  throw new DrayError('config', 'sign in', `nobody can sign in at ${url.href}: ${detail}`, {
    hint: 'Check the address. A token does without signing in: DRAY_TOKEN or --token-file.',
  })
}

/** `ABCDEFGH` as pages show it. */
const grouped = (code: string) => code.replace(/^(.{4})(.{4})$/, '$1-$2')

function choose(me: Me, wanted: string | undefined): string | null {
  const ids = me.workspaces.map(({ id }) => id)
  if (wanted === undefined) return ids.includes('local') ? 'local' : (ids[0] ?? null)
  if (ids.includes(wanted)) return wanted
  throw new DrayError('not-found', 'sign in', `you are no member of a workspace ${wanted}`, {
    hint: ids.length > 0 ? `Yours: ${ids.join(', ')}.` : 'You are a member of none yet.',
  })
}

/** The session is ended there, too; where that cannot be said, it is forgotten here, and can be ended in the browser. */
export async function runLogout(address: string | undefined, io: Io): Promise<number> {
  const directory = configDir()
  const login = readLogin(
    directory,
    address === undefined ? undefined : new URL(parseEndpoint('URL', address)),
  )
  if (!login) {
    io.stdout.write('You are not signed in.\n')
    return exitCodes.equal
  }
  let kept: DrayError | null = null
  try {
    const plane = planeClient({ url: new URL(login.url), token: login.token, workspace: '' }, io.signal)
    const { sessions } = await plane.call(listSessions, {})
    const current = sessions.find((session) => session.current)
    if (current) await plane.call(revokeSession, { params: { session: current.id } })
  } catch (error) {
    if (!(error instanceof DrayError)) throw error
    if (error.code !== 'bad-credentials') kept = error
  }
  forgetLogin(directory, login.url)
  io.stdout.write(visible(`Signed out of ${login.url}.\n`))
  if (kept) {
    io.stderr.write(
      visible(
        `The session goes on there (${kept.message}): end it with another sign-in; it ends by itself in 14 days.\n`,
      ),
    )
  }
  return exitCodes.equal
}

export async function runWhoami(options: AskOptions, io: Io): Promise<number> {
  const [me, url, workspace] = await withSomePlane(options, io, async (plane) => {
    return [await plane.call(readMe, {}), plane.url.origin, plane.workspace] as const
  })
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ url, workspace, ...me })}\n`)
    return exitCodes.equal
  }
  const who =
    me.kind === 'person' ? `${me.name} <${me.email}>` : me.kind === 'token' ? `the token ${me.name}` : me.name
  const rows = me.workspaces.map(({ id, name, role, scopes }) => [
    id === workspace ? `* ${id}` : `  ${id}`,
    name,
    role ?? scopes.join(', '),
  ])
  io.stdout.write(visible(`${who}, at ${url}\n`))
  io.stdout.write(
    visible(
      rows.length > 0 ? `\n${table(['  WORKSPACE', 'NAME', 'MAY'], rows)}` : 'A member of no workspace.\n',
    ),
  )
  return exitCodes.equal
}
