/**
 * Polls a queue for S3 notifications, by SQS's own protocol. A message is deleted once the control plane has stored what it tells; before that it comes
 * again, to this agent or another one. What is no notification is left to the queue's own dead letters.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Message, SQSClient } from '@aws-sdk/client-sqs'
import { DrayError, toDrayError } from '../../shared/error.ts'
import type { S3Location } from '../../shared/location.ts'
import type { Notice } from '../../shared/notifications/notice.ts'
import { parseNotification } from '../../shared/notifications/parse.ts'
import { keyWithin } from '../../shared/notifications/within.ts'
import type { Listened } from '../../shared/protocol.ts'
import { holdStoreToList } from '../allow/allow-list.ts'
import type { Welcome } from '../session/migration.ts'
import { resolveAccess } from '../storage/s3/access.ts'
import { type Change, type ListeningOptions, mostTold, type Side } from './listening.ts'

type Queue = Listened & { kind: 'sqs' }

/** Each asks for ten messages, tells of them and deletes them, one after the other. */
const pollers = 4
/** Seconds that the queue waits for a message before it says that there is none. */
const longPoll = 20
/** Milliseconds. */
const firstPause = 1_000
const longestPause = 60_000

/** Until `signal` aborts. Throws where the queue may not be used at all. */
export async function pollQueue(
  queue: Queue,
  welcome: Welcome,
  options: ListeningOptions,
  signal: AbortSignal,
): Promise<void> {
  const { origin } = new URL(queue.queue)
  holdStoreToList(options.allow, origin)
  const client = await openClient(queue, origin, options)
  const log = (event: string, more: object) =>
    options.log({ level: 'warn', event, migration: welcome.migration, queue: queue.queue, ...more })
  const said = new Set<string>()
  function sayOnce(event: string, more: { message: string }): void {
    const what = `${event} ${more.message}`
    if (!said.has(what) && said.size < 100) log(event, more)
    said.add(what)
  }
  try {
    const polling = { client, url: queue.queue, welcome, tell: options.tell, signal, sayOnce }
    await Promise.all(Array.from({ length: pollers }, () => poll(polling)))
  } finally {
    client.destroy()
  }
}

interface Polling {
  readonly client: SQSClient
  readonly url: string
  readonly welcome: Welcome
  readonly tell: ListeningOptions['tell']
  readonly signal: AbortSignal
  sayOnce(event: string, more: { message: string }): void
}

async function poll(polling: Polling): Promise<void> {
  const { signal, sayOnce } = polling
  let pause = firstPause
  while (!signal.aborted) {
    try {
      await once(polling)
      pause = firstPause
    } catch (error) {
      if (signal.aborted) return
      sayOnce('queue-trouble', { message: toDrayError(error, 'poll the queue').message })
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
      pause = Math.min(longestPause, 2 * pause)
    }
  }
}

async function once({ client, url, welcome, tell, signal, sayOnce }: Polling): Promise<void> {
  const { ReceiveMessageCommand, DeleteMessageBatchCommand } = await import('@aws-sdk/client-sqs')
  const receive = new ReceiveMessageCommand({
    QueueUrl: url,
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: longPoll,
  })
  const { Messages = [] } = await client.send(receive, { abortSignal: signal })
  const now = Date.now()
  const understood: Message[] = []
  const changes: Record<Side, Change[]> = { source: [], destination: [] }
  for (const message of Messages) {
    const notice = noticeOf(message.Body ?? '')
    if (notice?.is !== 'changes') {
      sayOnce('queue-message-unknown', {
        message: 'A message of the queue is no notification of S3; such messages are left in it.',
      })
      continue
    }
    understood.push(message)
    for (const side of ['source', 'destination'] as const)
      changes[side].push(...within(notice, welcome, side, now))
  }
  for (const side of ['source', 'destination'] as const) {
    for (let i = 0; i < changes[side].length; i += mostTold) {
      // The pass is over: they come again to whoever listens next.
      if (!(await tell(side, changes[side].slice(i, i + mostTold)))) return
    }
  }
  if (understood.length === 0) return
  const Entries = understood.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }))
  await client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }))
}

const within = (
  { changes }: Notice & { is: 'changes' },
  welcome: Welcome,
  side: Side,
  now: number,
): Change[] =>
  changes.flatMap((changed) => {
    const key = keyWithin(welcome[side], changed)
    return key === null ? [] : [{ key, at: changed.at ?? now }]
  })

function noticeOf(body: string): Notice | null {
  try {
    return parseNotification(JSON.parse(body))
  } catch {
    return null
  }
}

async function openClient(
  { queue, region, profile, access }: Queue,
  origin: string,
  { sealed }: ListeningOptions,
): Promise<SQSClient> {
  if (access?.sealed) refuseElsewhere(access, origin)
  const place: S3Location = access ?? {
    ...{ kind: 's3', bucket: 'any', prefix: '', endpoint: null, region, profile, site: null },
  }
  const its = await resolveAccess(place, sealed)
  const { SQSClient } = await import('@aws-sdk/client-sqs')
  return new SQSClient({
    endpoint: origin,
    region: region ?? regionIn(queue) ?? its.region,
    credentials: async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = await its.credentials()
      return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
    },
    maxAttempts: 3,
  })
}

/** As AWS names its queues. */
const regionIn = (queue: string): string | null =>
  /^sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(new URL(queue).hostname)?.[1] ?? null

/** What was sealed for one endpoint goes to no other; AWS is one. */
function refuseElsewhere({ endpoint, connection }: S3Location, origin: string): void {
  const isAws = /^https:\/\/sqs\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(origin)
  if (endpoint === null ? isAws : new URL(endpoint).origin === origin) return
  throw new DrayError(
    'access-denied',
    'poll the queue',
    `The secret of the connection "${connection}" was sealed for ${endpoint ?? 'AWS'}, and not for ${origin}.`,
    { hint: 'Name a profile of the agents for the queue.' },
  )
}
