import type { EventType } from '../../../shared/api/webhook-events.ts'

/** When each is sent. */
const events: Record<EventType, string> = {
  'pass.started': 'A pass began.',
  'pass.finished': 'A pass is complete, or was cancelled.',
  'pass.failed': 'A pass ended incomplete: objects failed or differ, or packets are parked.',
  'packets.parked': 'The first packet of a pass is parked; again at 10, 100, 1,000 …',
  'deletes.ask': 'A pass would delete more than its cap, and waits for an answer.',
  'agent.lost': 'An agent that did not say that it goes is away for one to two minutes.',
  'agent.duplicate': 'Two processes work with one identity; the younger one stays.',
  'limit.reached': 'A limit of an endpoint held work back for 15 minutes on end; once a day at most.',
  'life.changed':
    'A migration came to another state of its life: it follows, is ready, was cut over, rolled back or paused.',
  'cut-over.asks': 'A step of a cut-over’s checklist waits for an answer.',
  'conflicts.found': 'The side that follows was changed by somebody else, and an operator has to decide.',
  'schedule.missed': 'A pass was due, and did not begin.',
  'webhook.test': 'Somebody asked for a test.',
}

export const webhookTexts = {
  what: 'webhooks',
  make: 'New webhook',
  empty:
    'Nobody is told of anything yet. A webhook posts what happens to an address of yours, signed, or as a sentence into a chat: a pass that failed, an agent that is lost.',
  command: 'dray webhook create pager https://hooks.example.com/dray',
  columns: {
    name: 'Webhook',
    address: 'Address',
    events: 'Events',
    format: 'As',
    state: 'State',
    made: 'Made',
    deeds: 'More',
  },
  all: 'all',
  enabled: 'On',
  disabled: 'Off',
  formats: { dray: 'signed JSON', slack: 'a chat message' },
  menu: (id: string) => `What can be done with ${id}`,
  deeds: {
    test: 'Send a test',
    deliveries: 'Show deliveries',
    edit: 'Edit',
    disable: 'Switch off',
    enable: 'Switch on',
    secret: 'Make a new secret',
    delete: 'Delete',
  },
  tested: (id: string, status: number | null) =>
    status === null ? `${id} did not answer the test.` : `${id} answered the test with ${status}.`,
  saved: (id: string) => `${id} is saved.`,
  off: (id: string) => `${id} is told of nothing more.`,
  on: (id: string) => `${id} is on again.`,
  deleted: (id: string) => `${id} is deleted.`,
  remove: {
    title: (id: string) => `Delete the webhook ${id}?`,
    says: 'It is told of nothing more, and what waits for it is given up. What it was sent is no longer listed.',
    deed: 'Delete the webhook',
  },
  renew: {
    title: (id: string) => `Make a new secret for ${id}?`,
    says: 'For a day, deliveries are signed with both, the old one and the new one: change it at the receiver within that time.',
    deed: 'Make a new secret',
  },
  secret: {
    title: (id: string) => `The signing secret of ${id}`,
    says: 'Give it to the receiver, which checks by it that a delivery is Dray’s. Libraries for Standard Webhooks take it as it is.',
    label: 'Signing secret',
  },
  form: {
    make: 'New webhook',
    edit: (id: string) => `Edit ${id}`,
    name: 'Name',
    nameHint: 'Small letters, digits and hyphens, such as pager.',
    url: 'Address',
    urlHint:
      'https, and on the public internet unless the control plane is told otherwise. It is stored encrypted.',
    urlStays: 'Leave it empty to keep the address that it has.',
    format: 'What is sent',
    formats: [
      ['dray', 'Signed JSON', 'For a program: each event with its id, time and data, and a signature.'],
      ['slack', 'A chat message', 'One sentence, as incoming webhooks of Slack and what is like it take it.'],
    ] as const,
    events: 'Which events',
    everything: 'All of them, and those that come to be',
    event: events,
    save: 'Save the webhook',
  },
  deliveries: {
    title: (id: string) => `Deliveries of ${id}`,
    empty: 'Nothing was sent yet. Send a test, to see that it arrives.',
    close: 'Close',
    columns: { event: 'Event', state: 'State', answer: 'Answer', tried: 'Last try', deeds: 'Again' },
    state: { waiting: 'Waiting', delivered: 'Delivered', 'given-up': 'Given up' },
    again: 'Deliver again',
    next: 'next try',
    attempts: (n: number) => (n === 1 ? '1 try' : `${n} tries`),
    took: (ms: number) => `in ${ms} ms`,
    noAnswer: 'no answer',
    body: 'What it said',
    queued: 'It is sent again, with all its tries.',
  },
} as const
