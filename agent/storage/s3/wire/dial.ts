/** Connections to one origin: how they are made, and what is kept from one to the next. */
import { isIP, type OnReadOpts, connect as plain, type Socket } from 'node:net'
import { type ConnectionOptions, connect as encrypted, type SecureContext } from 'node:tls'

export interface Origin {
  readonly secure: boolean
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** As requests name it: without the port where it is the usual one. */
  readonly header: string
  /** Of the last connection that proved to be with whom we meant: saves most of the next one's handshake. */
  session: Buffer | undefined
}

/** `origin`: `https://host:port`. */
export function parseOrigin(origin: string): Origin {
  const url = new URL(origin)
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  return { secure, host, port, header: url.host, session: undefined }
}

/** A probe a minute while nothing else goes over the line, for the sake of routers that forget. */
const keepAliveMs = 60_000

/**
 * Begins a connection. `ready` is called when it may be written to: over TLS not before the other side's certificate has
 * been checked, so that nobody else ever gets a byte of a request.
 */
export function dial(
  origin: Origin,
  context: SecureContext | null,
  onread: OnReadOpts,
  ready: () => void,
): Socket {
  const { host, port } = origin
  if (!origin.secure) {
    const socket = plain({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      onread,
    })
    return socket.once('connect', ready)
  }
  const options: ConnectionOptions & { onread: OnReadOpts } = {
    host,
    port,
    onread,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 && { servername: host }),
    ...(context !== null && { secureContext: context }),
    ...(origin.session !== undefined && { session: origin.session }),
  }
  const socket = encrypted(options)
  socket.setNoDelay(true).setKeepAlive(true, keepAliveMs)
  socket.on('session', (session: Buffer) => {
    if (socket.authorized) origin.session = session
  })
  return socket.once('secureConnect', ready)
}

/**
 * Bytes that were written to a socket and have not left this process, as the system's own queues tell. Node shows that only
 * here; where it does not, a write moves when it is over.
 */
export function queuedBytes(socket: Socket): number {
  type Handle = { writeQueueSize?: number; _parent?: Handle }
  const handle = (socket as { _handle?: Handle | null })._handle
  return (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0)
}
