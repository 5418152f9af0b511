/** An SQS-compatible queue in this process, as much of it as is polled: messages come again until they are deleted. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Kept {
  readonly id: string
  readonly body: string
  /** Invisible until then (ms). */
  hiddenUntil: number
  receives: number
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex')

export class SqsServer {
  readonly #messages = new Map<string, Kept>()
  readonly #waiting = new Set<() => void>()
  readonly #http = createServer((request, response) => void this.#answer(request, response))
  #next = 1
  /** Of the `Authorization` headers that came: the keys by which they were signed. */
  readonly signedBy = new Set<string>()
  /** Milliseconds for which a message that was received is not given to others. */
  visibility = 30_000

  static async start(): Promise<SqsServer> {
    const server = new SqsServer()
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/000000000000/changes`
  }

  /** Messages that nobody has deleted, by their bodies, and how often each was received. */
  get left(): { body: string; receives: number }[] {
    return [...this.#messages.values()].map(({ body, receives }) => ({ body, receives }))
  }

  send(body: unknown): void {
    const id = `m-${this.#next++}`
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    this.#messages.set(id, { id, body: text, hiddenUntil: 0, receives: 0 })
    for (const wake of this.#waiting) wake()
  }

  async stop(): Promise<void> {
    for (const wake of this.#waiting) wake()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += chunk
    const key = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
    if (key) this.signedBy.add(key)
    const asked = JSON.parse(text)
    const action = String(request.headers['x-amz-target']).split('.')[1]
    const answer =
      action === 'ReceiveMessage'
        ? { Messages: await this.#receive(asked, response) }
        : action === 'DeleteMessageBatch'
          ? this.#delete(asked.Entries)
          : null
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(JSON.stringify(answer ?? { __type: 'InvalidAction' }))
  }

  async #receive(
    { MaxNumberOfMessages, WaitTimeSeconds }: { MaxNumberOfMessages: number; WaitTimeSeconds: number },
    response: ServerResponse,
  ): Promise<object[]> {
    const until = Date.now() + WaitTimeSeconds * 1_000
    for (;;) {
      const now = Date.now()
      const ready = [...this.#messages.values()].filter(({ hiddenUntil }) => hiddenUntil <= now)
      if (ready.length > 0) {
        return ready.slice(0, MaxNumberOfMessages).map((message) => {
          message.hiddenUntil = now + this.visibility
          message.receives++
          return {
            MessageId: message.id,
            ReceiptHandle: message.id,
            Body: message.body,
            MD5OfBody: md5(message.body),
          }
        })
      }
      if (now >= until || response.destroyed) return []
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, until - now)
        this.#waiting.add(wake)
        response.once('close', wake)
      })
    }
  }

  #delete(entries: { Id: string; ReceiptHandle: string }[]): object {
    for (const { ReceiptHandle } of entries) this.#messages.delete(ReceiptHandle)
    return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] }
  }
}
