/**
 * What `dray apply` can make, each kind with how it is read, made, changed and deleted through the API. What is there is told in the
 * words of the file (shared/api/apply.ts), so that both can be compared field by field.
 */
import type * as z from 'zod'
import { type Item, items, type Section } from '../../../shared/api/apply.ts'
import {
  type Credential,
  createConnection,
  deleteConnection,
  editConnection,
  listConnections,
} from '../../../shared/api/connections.ts'
import { deleteLimit, listLimits, putLimit } from '../../../shared/api/limits.ts'
import {
  deleteMigration,
  editMigration,
  listMigrations,
  putMigration,
  readMigration,
} from '../../../shared/api/migrations.ts'
import type { Route } from '../../../shared/api/route.ts'
import { asSet, deleteSchedule, listSchedules, putSchedule } from '../../../shared/api/schedules.ts'
import { createSite, deleteSite, editSite, listSites } from '../../../shared/api/sites.ts'
import {
  createWebhook,
  deleteWebhook,
  editWebhook,
  listWebhooks,
  shownAddress,
} from '../../../shared/api/webhooks.ts'
import { canonicalFilter } from '../migration-id.ts'
import type { PlaneClient } from '../plane-client.ts'

/** As it is in the control plane. */
export interface Known<S extends Section> {
  readonly item: Item<S>
  /** What a change of it is held to. */
  readonly revision: number
}

export interface Noun<S extends Section> {
  /** `site`. */
  readonly name: string
  read(plane: PlaneClient): Promise<Map<string, Known<S>>>
  /** Refused where there is one by now. */
  create(plane: PlaneClient, id: string, item: Item<S>): Promise<unknown>
  /** Refused where it is of another revision by now. `fields`: those that change. */
  edit(
    plane: PlaneClient,
    id: string,
    item: Item<S>,
    revision: number,
    fields: ReadonlySet<string>,
  ): Promise<unknown>
  remove(plane: PlaneClient, id: string, revision: number): Promise<unknown>
  /** Fields that never change once it is made. */
  readonly fixed?: readonly string[]
  /** In the one form in which two of them are compared. */
  canonical?(item: Item<S>): Item<S>
}

/** There is to be none of this name yet. */
const none = { ifMatch: 0 }

const sites: Noun<'sites'> = {
  name: 'site',
  read: (plane) =>
    readAll(plane, listSites, ({ sites }) =>
      sites.map(({ id, region, labels, revision }) => [id, { item: { region, labels }, revision }]),
    ),
  create: (plane, id, item) => plane.call(createSite, { body: { id, ...item } }),
  edit: (plane, site, body, ifMatch) => plane.call(editSite, { params: { site }, body }, { ifMatch }),
  remove: (plane, site, ifMatch) => plane.call(deleteSite, { params: { site } }, { ifMatch }),
}

const connections: Noun<'connections'> = {
  name: 'connection',
  read: (plane) =>
    readAll(plane, listConnections, ({ connections }) =>
      connections.map(({ id, revision, credential, ...view }) => {
        const { endpoint, region, pathStyle, requesterPays, sites } = view
        const item = {
          endpoint,
          region,
          pathStyle,
          requesterPays,
          sites,
          credential: credentialWord(credential),
        }
        return [id, { item, revision }]
      }),
    ),
  create: (plane, id, { credential, ...item }) =>
    plane.call(createConnection, { body: { id, ...item, credential: credentialOf(credential) } }),
  edit: (plane, connection, { credential, ...item }, ifMatch) => {
    const body = { ...item, credential: credentialOf(credential) }
    return plane.call(editConnection, { params: { connection }, body }, { ifMatch })
  },
  remove: (plane, connection, ifMatch) =>
    plane.call(deleteConnection, { params: { connection } }, { ifMatch }),
}

function credentialWord(credential: Credential): Item<'connections'>['credential'] {
  if (credential.kind !== 'profile') return credential.kind
  return credential.profile === null ? 'default' : { profile: credential.profile }
}

function credentialOf(word: Item<'connections'>['credential']): Credential {
  if (typeof word === 'object') return { kind: 'profile', profile: word.profile }
  return word === 'default' ? { kind: 'profile', profile: null } : { kind: word }
}

const limits: Noun<'limits'> = {
  name: 'limit',
  read: (plane) =>
    readAll(plane, listLimits, ({ limits }) =>
      limits.map(({ endpoint, bandwidth, requests, concurrency, zone, windows, revision }) => [
        endpoint,
        { item: { bandwidth, requests, concurrency, zone, windows }, revision },
      ]),
    ),
  create: (plane, endpoint, body) => plane.call(putLimit, { params: { endpoint }, body }, none),
  edit: (plane, endpoint, body, ifMatch) => plane.call(putLimit, { params: { endpoint }, body }, { ifMatch }),
  remove: (plane, endpoint, ifMatch) => plane.call(deleteLimit, { params: { endpoint } }, { ifMatch }),
}

const migrations: Noun<'migrations'> = {
  name: 'migration',
  read: (plane) =>
    readAll(plane, listMigrations, ({ migrations }) =>
      Promise.all(
        migrations.map(async (listed) => {
          const { id } = listed
          const whole = listed.leftOut
            ? await plane.call(readMigration, { params: { migration: id } })
            : listed
          const { revision, source, destination, filter, mapping, manifest, policy, follow, priority } = whole
          const arrangement = { ...(mapping && { mapping }), ...(manifest && { manifest }) }
          const item = { source, destination, filter, ...arrangement, policy, follow, priority }
          return [id, { item, revision }] as [string, Known<'migrations'>]
        }),
      ),
    ),
  create: (plane, migration, body) => plane.call(putMigration, { params: { migration }, body }),
  edit: (plane, migration, { priority, policy, follow }, ifMatch) =>
    plane.call(editMigration, { params: { migration }, body: { priority, policy, follow } }, { ifMatch }),
  remove: (plane, migration, ifMatch) => plane.call(deleteMigration, { params: { migration } }, { ifMatch }),
  fixed: ['source', 'destination', 'filter', 'mapping', 'manifest'],
  canonical: (item) => ({ ...item, filter: canonicalFilter(item.filter) }),
}

const schedules: Noun<'schedules'> = {
  name: 'schedule',
  read: (plane) =>
    readAll(plane, listSchedules, ({ schedules }) =>
      schedules.map((each) => [each.id, { item: asSet(each), revision: each.revision }]),
    ),
  create: (plane, schedule, body) => plane.call(putSchedule, { params: { schedule }, body }, none),
  edit: (plane, schedule, body, ifMatch) =>
    plane.call(putSchedule, { params: { schedule }, body }, { ifMatch }),
  remove: (plane, schedule, ifMatch) => plane.call(deleteSchedule, { params: { schedule } }, { ifMatch }),
}

/** Addresses are compared as far as the control plane shows them. */
const webhooks: Noun<'webhooks'> = {
  name: 'webhook',
  read: (plane) =>
    readAll(plane, listWebhooks, ({ webhooks }) =>
      webhooks.map(({ id, address, events, format, disabled, revision }) => [
        id,
        { item: { url: address, events, format, disabled }, revision },
      ]),
    ),
  create: (plane, id, item) => plane.call(createWebhook, { body: { id, ...item } }),
  edit: (plane, webhook, { url, ...item }, ifMatch, fields) => {
    const body = { ...item, ...(fields.has('url') && { url }) }
    return plane.call(editWebhook, { params: { webhook }, body }, { ifMatch })
  },
  remove: (plane, webhook, ifMatch) => plane.call(deleteWebhook, { params: { webhook } }, { ifMatch }),
  canonical: (item) =>
    URL.canParse(item.url) && !item.url.includes('…')
      ? { ...item, url: shownAddress(item.url, item.format) }
      : item,
}

export const nouns: { readonly [S in Section]: Noun<S> } = {
  ...{ sites, connections, limits, migrations, schedules, webhooks },
}

async function readAll<R extends Route, S extends Section>(
  plane: PlaneClient,
  contract: R,
  entries: (page: z.output<NonNullable<R['answer']>>) => [string, Known<S>][] | Promise<[string, Known<S>][]>,
): Promise<Map<string, Known<S>>> {
  const all = new Map<string, Known<S>>()
  for await (const page of plane.pages(contract, {} as never)) {
    for (const [id, known] of await entries(page as z.output<NonNullable<R['answer']>>)) all.set(id, known)
  }
  return all
}

/** With what a file would leave out filled in, and nothing else. */
export const parseItem = <S extends Section>(section: S, item: unknown): Item<S> =>
  items[section].parse(item) as Item<S>
