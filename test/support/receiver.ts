/** A server that webhooks are delivered to: real, on loopback, and it remembers what came. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** The first that `which` holds of, be it there already or yet to come. */
  next(which?: (received: Received) => boolean): Promise<Received>
  stop(): Promise<void>
}

/** `answer`: 204 where it is not given. */
export async function startReceiver(
  answer: (response: ServerResponse, received: Received) => void = (response) =>
    response.writeHead(204).end(),
): Promise<Receiver> {
  const received: Received[] = []
  let tell = () => {}
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const came = { path: request.url ?? '', headers: request.headers, body }
    received.push(came)
    answer(response, came)
    tell()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async next(which = () => true) {
      for (;;) {
        const found = received.find(which)
        if (found) return found
        await new Promise<void>((resolve) => {
          tell = resolve
        })
      }
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
