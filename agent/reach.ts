/** Whether an endpoint answers from here: its name, a connection, and TLS with its certificate where it speaks it. Nothing is asked of it. */
import { connect, isIP } from 'node:net'
import { connect as encrypted } from 'node:tls'
import type { Facts } from '../shared/protocol.ts'
import { proxyOf } from './storage/s3/proxy.ts'
import { parseOrigin } from './storage/s3/wire/dial.ts'

type Reach = Facts['reach'][number]

const patienceMs = 5_000

/** By the proxy where there is one for it: then only that can be told. */
export function probe(endpoint: string, env: NodeJS.ProcessEnv): Promise<Reach> {
  const proxy = proxyOf(endpoint, env)
  const { secure, host, port } = parseOrigin(proxy ?? endpoint)
  const began = performance.now()
  return new Promise((resolve) => {
    const socket = secure
      ? encrypted({ host, port, ...(isIP(host) === 0 && { servername: host }) })
      : connect({ host, port })
    const end = (error: string | null) => {
      socket.destroy()
      const ms = Math.round((performance.now() - began) * 10) / 10
      resolve({ endpoint, ms: error === null ? ms : null, error })
    }
    socket.setTimeout(patienceMs, () => end(`no answer in ${patienceMs / 1_000} s`))
    socket.once(secure ? 'secureConnect' : 'connect', () => end(null))
    socket.once('error', (error: NodeJS.ErrnoException) => end((error.code ?? error.message).slice(0, 200)))
  })
}
