/** `dray up`: a control plane and an agent that stay, until they are stopped. */
import { constants, setPriority } from 'node:os'
import { readEntry } from '../../shared/api/entry.ts'
import { startAgent } from '../agent.ts'
import { allowAll } from '../allow/allow-list.ts'
import { type ControlPlane, startControlPlane } from '../embed/control-plane.ts'
import { openStateDir } from '../embed/state-dir.ts'
import { tokensFile } from '../embed/tokens.ts'
import { settingNames } from '../embed/workerd-config.ts'
import { endingOf, lastWords } from './ending.ts'
import { type Io, logLine } from './io.ts'
import { planeClient } from './plane-client.ts'

export async function runUp(
  options: { port: number; host: string; concurrency: number; memory: number; threads: number },
  io: Io,
): Promise<number> {
  io.signal.addEventListener('abort', () => io.exitBy(4_500), { once: true })
  const state = openStateDir(io.stateDir, 'up')
  try {
    const { log, why } = lastWords((event) => {
      if (io.debug || event.level !== 'info') logLine(io, event)
    })
    const plane = await startControlPlane({
      calls: true,
      stateDir: state.path,
      port: options.port,
      host: options.host,
      console: true,
      settings: Object.fromEntries(settingNames.map((name) => [name, io.env[name] ?? ''])),
      log: (level, message) => log({ level, event: message }),
    })
    try {
      state.announce(plane.url)
      // The control plane runs in a process of its own by now: who asks it something comes before the copying beside it.
      setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
      const agent = startAgent({
        url: plane.url,
        identity: plane.identity,
        allow: allowAll,
        stateDir: state.path,
        version: io.version,
        env: io.env,
        concurrency: options.concurrency,
        memory: options.memory,
        threads: options.threads,
        log,
      })
      io.stdout.write(welcome(plane, state.path, options.host, await setupLink(plane, io)))
      try {
        return await endingOf(agent, io, why)
      } finally {
        await agent.stop()
      }
    } finally {
      await plane.stop()
    }
  } finally {
    state.release()
  }
}

/** Null where somebody has used it. */
async function setupLink(
  { url, setupToken, token, workspace }: ControlPlane,
  io: Io,
): Promise<string | null> {
  const { setup } = await planeClient({ url, token, workspace }, io.signal).call(readEntry, {})
  if (!setup) return null
  const at = new URL('/setup', io.env.DRAY_PUBLIC_URL || url)
  // A passkey belongs to a name: browsers make none for an address of digits.
  if (at.hostname === '127.0.0.1') at.hostname = 'localhost'
  return `${at.href}#${setupToken}`
}

function welcome({ url, token }: ControlPlane, stateDir: string, host: string, setup: string | null): string {
  const address = url.href.replace(/\/$/, '')
  const lines = [
    `Dray is up at ${address}`,
    `  console ${address}/#token=${token}`,
    ...(setup ? [`  set up  ${setup} (makes the first owner; once)`] : []),
    `  state   ${stateDir}`,
    `  token   ${tokensFile(stateDir)} ("operator", for the API)`,
    '',
    'Look at its migrations from another terminal:',
    '  dray migrations',
    'Let an agent on another machine join:',
    '  dray site token local',
    `  dray agent join ${address} --token TOKEN (there; then: dray agent run)`,
  ]
  if (!['127.0.0.1', 'localhost', '::1'].includes(host)) {
    lines.push(
      '',
      'Tokens cross this network unencrypted: put a TLS proxy in front of it, or keep the network private.',
    )
  }
  lines.push('', 'Ctrl-C stops it; what is unfinished goes on at the next start.')
  return `${lines.join('\n')}\n`
}
