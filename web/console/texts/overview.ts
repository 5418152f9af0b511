/** What the overview says. */
import { count } from '../format.ts'

const n = (of: number, one: string, many = `${one}s`) => `${count(of)} ${of === 1 ? one : many}`

export const overviewTexts = {
  newMigration: 'New migration',
  attention: 'What needs somebody',
  calm: 'Nothing needs anybody.',
  running: 'What runs',
  idle: 'No pass is running.',
  latest: 'Latest migrations',
  allMigrations: 'The whole list',
  figures: {
    name: 'In figures',
    agents: 'Agents there',
    of: (all: number) => `of ${count(all)}`,
    rate: 'Rate, all together',
    unknown: 'Its agents have told no rate yet',
    objects: (rate: string) => `${rate} objects/s`,
  },
  items: {
    incomplete: (failed: number, open: number, parked: number) =>
      [
        ...(failed > 0
          ? [
              open > 0 && open < failed
                ? `${n(open, 'failure')} of ${count(failed)} still open`
                : `${n(failed, 'object')} failed`,
            ]
          : []),
        ...(parked > 0 ? [`${n(parked, 'packet')} parked`] : []),
      ].join(', ') || 'The two sides are not the same',
    ended: (when: string) => `The last pass ended ${when}.`,
    asks: 'It asks somebody',
    deletes: (deletes: number, of: number) =>
      `It would delete ${n(deletes, 'object')} of ${count(of)}, and asks`,
    deletesMore: 'More than its policy allows.',
    conflicts: (objects: number) => n(objects, 'conflict'),
    conflictsMore: 'Somebody else has changed what Dray keeps up to date.',
    failing: 'Objects failed, or are in conflict',
    waits: 'It waits for an agent',
    parked: (parked: number) => `${n(parked, 'packet')} parked while it runs`,
    away: 'It is away',
    since: (when: string) => `Since ${when}.`,
    blocked: 'It cannot reach what it may use',
    twin: 'Two processes had its identity',
    rotate: 'Its secret must be another one',
    rotateMore: (agents: number) => `${n(agents, 'revoked agent')} still had it.`,
  },
  kinds: { migration: 'Migration', agent: 'Agent', connection: 'Connection' },
  more: (more: number) => `And ${count(more)} more.`,
  progress: (share: string, id: string) => `${share} of ${id} is settled`,
  listing: 'still listing',
  paused: 'Paused',
  steps: {
    name: 'First steps',
    done: 'done',
    agent: {
      title: 'Let an agent join',
      says: 'Agents run in your own network, next to the data, and do the moving. They need no open port. Make a join token, and start one:',
      command: 'dray agent join https://… && dray agent run',
      link: 'Sites and agents',
    },
    connection: {
      title: 'Make a connection',
      says: 'A connection says how a store is reached and where its credentials are: with the agents, or sealed so that only they can open them. Directories need none.',
      command: 'dray connection create old-store --endpoint https://s3.example.com',
      link: 'Connections',
    },
    migration: {
      title: 'Make a migration, and start it',
      says: 'It names a source and a destination. A dry run shows what would be copied; nothing is deleted unless you ask for it.',
      command: 'dray migration create attachments s3://old-bucket s3://new-bucket',
      link: 'New migration',
    },
  },
} as const
