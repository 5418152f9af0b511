/** An exchange whose answer's body is a stream: any size, at its reader's pace. */
import type { HttpRequest, HttpResponse } from '../http.ts'
import { Exchange } from './exchange.ts'
import type { Framing } from './framing.ts'
import type { Head } from './head.ts'
import type { Slab } from './slab.ts'
import { type BodySource, WireBody } from './wire-body.ts'

export class StreamedExchange extends Exchange implements BodySource {
  readonly #resolve: (response: StreamedResponse) => void
  readonly #reject: (error: Error) => void
  #body: WireBody | null = null

  constructor(
    request: HttpRequest,
    host: string,
    resolve: (response: StreamedResponse) => void,
    reject: (error: Error) => void,
  ) {
    super(request, host)
    this.#resolve = resolve
    this.#reject = reject
  }

  /** A store may think while it answers, and sends a blank now and then meanwhile (CompleteMultipartUpload, CopyObject). */
  get limitMs(): number {
    const { method, patience } = this.request
    return method === 'GET' ? Number.POSITIVE_INFINITY : patience
  }

  get full(): boolean {
    return this.#body?.full === true
  }

  onHead(head: Head, _: Framing, sent: number): void {
    this.#body = new WireBody(this, this.request.fault)
    this.#resolve(new StreamedResponse(head, this.#body, sent))
  }

  onData(slab: Slab, from: number, to: number): void {
    this.#body?.data(slab, from, to)
  }

  resume(): void {
    this.line?.resume()
  }

  abandon(): void {
    this.abort()
  }

  protected override onEnd(): void {
    this.#body?.end()
  }

  protected override onFail(error: Error): void {
    if (this.#body) this.#body.fail(error)
    else this.#reject(error)
  }
}

export class StreamedResponse implements HttpResponse {
  readonly head: Head
  readonly body: WireBody
  readonly sent: number

  constructor(head: Head, body: WireBody, sent: number) {
    this.head = head
    this.body = body
    this.sent = sent
  }

  get status(): number {
    return this.head.status
  }

  get headers(): Readonly<Record<string, string>> {
    return this.head.object
  }
}
