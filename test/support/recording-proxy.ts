/** A proxy before a control plane that keeps all that passes: requests, answers, and socket messages as their ends see them. */
import { once } from 'node:events'
import { request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import WebSocket, { WebSocketServer } from 'ws'

export interface RecordingProxy {
  readonly url: URL
  /** `GET /path` with its body, and the answer's. */
  readonly requests: { line: string; sent: string; answered: string }[]
  readonly messages: string[]
  stop(): Promise<void>
}

export async function startRecordingProxy(target: URL): Promise<RecordingProxy> {
  const requests: RecordingProxy['requests'] = []
  const messages: string[] = []
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const record = { line: `${method} ${path}`, sent: '', answered: '' }
    requests.push(record)
    const { hostname: host, port } = target
    // The host stays as it was: it is signed.
    const onward = ask({ host, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('data', (chunk: Buffer) => {
        record.answered += chunk.toString('latin1')
      })
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.on('data', (chunk: Buffer) => {
      record.sent += chunk.toString('latin1')
    })
    incoming.pipe(onward)
  })
  server.on('upgrade', (incoming, socket, head) => {
    const { authorization, host } = incoming.headers
    const address = `ws://${target.host}${incoming.url}`
    const far = new WebSocket(address, {
      headers: { authorization: authorization ?? '', host: host ?? '' },
      perMessageDeflate: false,
    })
    far.once('error', () => socket.destroy())
    far.once('open', () => {
      sockets.handleUpgrade(incoming, socket, head, (near) => {
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          from.on('message', (data) => {
            messages.push(data.toString())
            if (to.readyState === WebSocket.OPEN) to.send(data.toString())
          })
          from.on('close', (code) => to.close(code === 1005 || code === 1006 ? 1000 : code))
          from.on('error', () => {})
        }
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    requests,
    messages,
    async stop() {
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
