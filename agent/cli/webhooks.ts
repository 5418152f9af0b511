/** `dray webhook …`: who is told of what, and what was delivered. */
import type { EventType } from '../../shared/api/webhook-events.ts'
import {
  createWebhook,
  type DeliveryView,
  deleteWebhook,
  editWebhook,
  listDeliveries,
  listWebhooks,
  redeliver,
  rotateWebhookSecret,
  testWebhook,
  type WebhookView,
} from '../../shared/api/webhooks.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withPlane, withSomePlane } from './plane.ts'
import { table } from './table.ts'

interface WebhookOptions extends AskOptions {
  event?: EventType[]
  format?: WebhookView['format']
}
interface EditOptions extends WebhookOptions {
  url?: string
  allEvents?: boolean
  disable?: boolean
  enable?: boolean
  newSecret?: boolean
}

export async function listAll(options: AskOptions, io: Io): Promise<number> {
  const webhooks =
    (await withPlane(options, io, async (plane) => {
      const found: WebhookView[] = []
      for await (const page of plane.pages(listWebhooks, {})) found.push(...page.webhooks)
      return found
    })) ?? []
  if (options.json) io.stdout.write(`${JSON.stringify({ webhooks })}\n`)
  else if (webhooks.length === 0) {
    io.stdout.write('There are no webhooks. Make one with: dray webhook create ID URL\n')
  } else {
    const rows = webhooks.map(({ id, format, disabled, events, address }) => [
      ...[id, format, disabled ? 'disabled' : '', address, events.join(', ') || 'all'],
    ])
    io.stdout.write(visible(table(['ID', 'FORMAT', '', 'ADDRESS', 'EVENTS'], rows)))
  }
  return exitCodes.equal
}

export async function create(id: string, url: string, options: WebhookOptions, io: Io): Promise<number> {
  const { event: events = [], format = 'dray' } = options
  const made = await withSomePlane(options, io, (plane) =>
    plane.call(createWebhook, { body: { id, url, events, format } }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify(made)}\n`)
  else
    io.stdout.write(
      visible(`${details(made)}${secretText(made.secret)}Try it with: dray webhook test ${id}\n`),
    )
  return exitCodes.equal
}

export async function edit(id: string, options: EditOptions, io: Io): Promise<number> {
  const { url, event, allEvents, format, disable, enable, newSecret } = options
  if (disable && enable) throw usage('--enable and --disable say the opposite of one another')
  if (event && allEvents) throw usage('--event and --all-events say the opposite of one another')
  const body = {
    ...(url !== undefined && { url }),
    ...(event !== undefined && { events: event }),
    ...(allEvents && { events: [] }),
    ...(format !== undefined && { format }),
    ...((disable || enable) && { disabled: disable === true }),
  }
  if (Object.keys(body).length === 0 && !newSecret) throw usage('nothing is to be changed')
  await withSomePlane(options, io, async (plane) => {
    const params = { webhook: id }
    let shown: WebhookView | null = null
    if (Object.keys(body).length > 0) shown = await plane.call(editWebhook, { params, body })
    const rotated = newSecret ? await plane.call(rotateWebhookSecret, { params }) : null
    if (options.json) io.stdout.write(`${JSON.stringify(rotated ?? shown)}\n`)
    else io.stdout.write(visible(details((rotated ?? shown)!) + (rotated ? secretText(rotated.secret) : '')))
  })
  return exitCodes.equal
}

export async function remove(id: string, options: AskOptions, io: Io): Promise<number> {
  await withSomePlane(options, io, (plane) => plane.call(deleteWebhook, { params: { webhook: id } }))
  io.stdout.write(options.json ? `${JSON.stringify({ deleted: id })}\n` : `The webhook ${id} is deleted.\n`)
  return exitCodes.equal
}

export async function test(id: string, options: AskOptions, io: Io): Promise<number> {
  const delivery = await withSomePlane(options, io, (plane) =>
    plane.call(testWebhook, { params: { webhook: id } }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify(delivery)}\n`)
  else {
    const { state, status, duration, answer } = delivery
    const got = status === null ? '' : ` (${status} after ${duration} ms)`
    io.stdout.write(
      state === 'delivered'
        ? `Delivered${got}.\n`
        : visible(`Not delivered${got}: ${answer || 'the answer is empty'}\n`),
    )
  }
  return delivery.state === 'delivered' ? exitCodes.equal : exitCodes.incomplete
}

export async function deliveries(
  id: string,
  options: AskOptions & { limit: number },
  io: Io,
): Promise<number> {
  const { deliveries } = await withSomePlane(options, io, (plane) =>
    plane.call(listDeliveries, { params: { webhook: id }, query: { limit: options.limit } }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify({ deliveries })}\n`)
  else if (deliveries.length === 0) io.stdout.write('Nothing was delivered yet, and nothing waits.\n')
  else io.stdout.write(visible(table(head, deliveries.map(rowOf))))
  return exitCodes.equal
}

export async function again(id: string, delivery: number, options: AskOptions, io: Io): Promise<number> {
  const queued = await withSomePlane(options, io, (plane) =>
    plane.call(redeliver, { params: { webhook: id, delivery } }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify(queued)}\n`)
  else {
    const see = `See what comes of it with: dray webhook deliveries ${id}\n`
    io.stdout.write(`Delivery ${delivery} (${queued.type}) is sent again. ${see}`)
  }
  return exitCodes.equal
}

const head = ['NUMBER', 'EVENT', 'HAPPENED', 'STATE', 'TRIES', 'STATUS', 'NEXT TRY', 'ANSWER']
const rowOf = (one: DeliveryView): string[] => [
  ...[String(one.id), one.type, when(one.createdAt), one.state, String(one.attempts)],
  ...[one.status === null ? '' : String(one.status), one.due === null ? '' : when(one.due)],
  (one.answer ?? '').replaceAll(/\s+/g, ' ').slice(0, 60),
]

function details({ id, address, events, format, disabled }: WebhookView): string {
  const rows = [
    ['webhook', id],
    ['address', address],
    ['format', format],
    ['events', events.join(', ') || 'all'],
    ...(disabled ? [['disabled', 'yes']] : []),
  ]
  return rows.map(([name, value]) => `${name!.padEnd(10)}${value}\n`).join('')
}

const secretText = (secret: string) =>
  `secret    ${secret}\n\nThe secret is shown this once: the receiver checks signatures with it.\n`

const when = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

const usage = (message: string) =>
  new DrayError('usage', 'read the arguments', message, { hint: 'See dray webhook edit --help.' })
