/** A TCP proxy before the control plane, whose connections a test can cut or make deaf. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface FaultProxy {
  readonly url: URL
  /** Breaks what is connected; new connections are let in. */
  cut(): void
  /** What the plane says from now on does not arrive, on the connections that there are. */
  mute(): void
  /** Breaks what is connected, and whatever tries to connect. */
  close(): void
  stop(): Promise<void>
}

export async function startProxy(target: URL): Promise<FaultProxy> {
  const pairs = new Set<{ client: Socket; server: Socket }>()
  let isClosed = false
  const listener = createServer((client) => {
    if (isClosed) return client.destroy()
    const server = connect(Number(target.port), target.hostname)
    const pair = { client, server }
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    client.on('data', (chunk) => server.write(chunk))
    server.on('data', (chunk) => client.write(chunk))
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const url = new URL(target)
  url.port = String((listener.address() as AddressInfo).port)

  function cut(): void {
    for (const { client, server } of pairs) {
      client.destroy()
      server.destroy()
    }
  }

  return {
    url,
    cut,
    mute() {
      for (const { server } of pairs) server.removeAllListeners('data').resume()
    },
    close() {
      isClosed = true
      cut()
    },
    async stop() {
      isClosed = true
      cut()
      listener.close()
      await once(listener, 'close')
    },
  }
}
