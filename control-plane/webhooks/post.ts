/**
 * One attempt: the event to its receiver, signed as the Standard Webhooks specification says. What a receiver can do to us is bounded: ten
 * seconds, no redirects, and of its answer the first bytes.
 */
import { Webhook } from 'standardwebhooks'
import type { WebhookEvent } from '../../shared/api/webhook-events.ts'
import type { Attempt } from '../core/delivery.ts'
import { slackBody } from '../core/sentence.ts'
import { refusedAddress } from '../core/webhook-address.ts'
import type { WebhookSecret } from './secret.ts'

const timeLimit = 10_000
/** Bytes of the answer that are kept. */
const answerBytes = 512

export interface Receiver {
  readonly format: 'dray' | 'slack'
  readonly secret: WebhookSecret
  /** http and private addresses will do. */
  readonly insecure: boolean
}

export async function post(event: WebhookEvent, { format, secret, insecure }: Receiver): Promise<Attempt> {
  const began = Date.now()
  const none = (answer: string): Attempt => ({
    status: null,
    duration: Date.now() - began,
    answer,
    retryAfter: null,
  })
  const refused = refusedAddress(secret.url, insecure)
  if (refused !== null) return none(refused)
  const body = format === 'slack' ? slackBody(event) : JSON.stringify(event)
  // Not AbortSignal.timeout: one that is not taken back keeps the object awake, and paid for, to its end.
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), timeLimit)
  try {
    const response = await fetch(secret.url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'dray-webhooks/1',
        ...signatures(event.id, began, body, secret),
      },
      redirect: 'manual',
      signal: limit.signal,
    })
    const answer = await firstBytes(response)
    const { status } = response
    return {
      status,
      duration: Date.now() - began,
      answer: status >= 300 && status < 400 ? 'a redirect, which is not followed' : answer,
      retryAfter: retryAfter(response.headers.get('retry-after'), began),
    }
  } catch (error) {
    // An error of the network may name the address, which may be a secret.
    return none(
      limit.signal.aborted ? `no answer in ${timeLimit / 1_000} seconds` : reasonOf(error, secret.url),
    )
  } finally {
    clearTimeout(timer)
  }
}

/** The three headers; two signatures while a former secret counts too. */
export function signatures(id: string, now: number, body: string, { secret, former }: WebhookSecret) {
  const secrets = former && former.until > now ? [secret, former.secret] : [secret]
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1_000)),
    'webhook-signature': secrets.map((one) => new Webhook(one).sign(id, new Date(now), body)).join(' '),
  }
}

async function firstBytes(response: Response): Promise<string> {
  let bytes = new Uint8Array()
  const reader = response.body?.getReader()
  while (reader && bytes.length < answerBytes) {
    const { done, value } = await reader.read()
    if (done) break
    const both = new Uint8Array(bytes.length + value.length)
    both.set(bytes)
    both.set(value, bytes.length)
    bytes = both
  }
  await reader?.cancel()
  return new TextDecoder().decode(bytes.subarray(0, answerBytes))
}

/** In ms: seconds, or a date. */
function retryAfter(header: string | null, now: number): number | null {
  if (header === null) return null
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  return Number.isFinite(ms) && ms > 0 ? ms : null
}

const reasonOf = (error: unknown, url: string): string => {
  const message = error instanceof Error ? error.message : String(error)
  return `no answer: ${message.replaceAll(url, 'the url')}`.slice(0, answerBytes)
}
