import type { Credential, Holder } from '../../../shared/api/connections.ts'
import type { CheckResult, ConnectionCheck } from '../../../shared/connection-test.ts'
import { count } from '../format.ts'
import { plain } from '../hostile.ts'

export const connectionPageTexts = {
  new: 'New connection',
  empty:
    'No connection yet. A connection is an endpoint, and how agents get its credential: a profile that they have, or an access key that is sealed to them and that the control plane cannot open. Make one here, or on the command line:',
  emptyCommand:
    'dray connection create archive --endpoint https://s3.example.com --sealed\ndray connection seal archive',
  column: {
    connection: 'Connection',
    endpoint: 'Endpoint',
    credential: 'Credential',
    sites: 'Reached from',
    uses: 'Used by',
    tested: 'Last test',
    act: 'Act',
  },
  aws: 'AWS',
  back: 'Connections',
  more: (id: string) => `More about ${id}`,
  credential: (credential: Credential, version: number) => {
    switch (credential.kind) {
      case 'profile':
        return credential.profile === null
          ? 'what each agent has'
          : `profile ${plain(credential.profile)} of the agents`
      case 'sealed':
        return version === 0 ? 'sealed: not yet' : `sealed, version ${count(version)}`
      case 'anonymous':
        return 'none: requests are not signed'
      default:
        return credential satisfies never
    }
  },
  unsealed: 'Its secret is not sealed yet, so no agent can use it.',
  rotate: (agents: readonly string[]) =>
    `${agents.join(', ')} ${agents.length === 1 ? 'was' : 'were'} revoked and had the secret as it is now. Make a new key at the store, and seal it.`,
  rotateShort: 'make a new key',
  unused: 'no migration',
  notAll: 'and maybe more',
  settings: {
    title: 'Settings',
    region: 'Region',
    style: 'Buckets are named',
    styles: { usual: 'as usual', path: 'in the path', host: 'in the host' },
    pays: 'Whoever reads pays',
    yes: 'yes',
    no: 'no',
    unsaid: 'not said',
    changed: 'Changed',
    uses: 'Used by',
  },
  edit: 'Edit',
  saved: (id: string) => `${id} was changed. Passes that run go on with what it was.`,
  created: (id: string) => `${id} was created.`,
  seal: 'Seal its secret',
  sealAgain: 'Seal another secret',
  delete: {
    deed: 'Delete the connection',
    title: (id: string) => `Delete the connection ${id}?`,
    says: 'The sealed copies of its secret go with it. The store and what is in it stay as they are.',
    used: (by: readonly string[]) =>
      `It is used by ${by.join(', ')}: the control plane refuses to delete it before these are.`,
    done: (id: string) => `The connection ${id} was deleted.`,
  },
  holders: {
    title: 'Who has the secret',
    says: 'Each agent has its own copy, sealed to its own key. Agents that join later get theirs from one that has it, where both are certified and connected.',
    none: 'No agent is at its sites.',
    agent: 'Agent',
    site: 'Site',
    has: 'Has it',
    sealed: 'Sealed',
    states: {
      current: 'yes',
      old: 'an earlier version',
      missing: 'no',
      lost: 'revoked, and has it',
    } satisfies Record<Holder['secret'], string>,
    by: (who: string, when: string) => `by ${who}, ${when}`,
    away: 'not connected',
  },
  test: {
    title: 'Test',
    says: 'An agent tries what it can do in a bucket, with small objects under a name of their own, which it deletes again. What its machine does not allow, it does not touch.',
    bucket: 'Bucket',
    buckets: 'List the buckets',
    listing: 'An agent lists them…',
    listed: (n: number) =>
      n === 0 ? 'There is no bucket that it may see.' : `${count(n)} found: choose one.`,
    prefix: 'Prefix',
    prefixHint: 'Empty, or ends in “/”.',
    site: 'From',
    any: 'any of its sites',
    each: 'each of its sites',
    run: 'Test',
    again: 'Test again',
    busy: 'An agent is trying…',
    by: (agent: string, site: string, when: string) => `${agent} of ${site}, ${when}`,
    where: (bucket: string, prefix: string) => `in s3://${bucket}/${prefix}`,
    well: 'Everything can be done.',
    some: (n: number) => `${count(n)} of these cannot be done.`,
    readOnly: 'For a source that may only be read, “no” to writing is well.',
    store: (name: string) => `The store calls itself ${name}.`,
    latency: (ms: number) => `Its fastest answer took ${count(Math.round(ms))} ms.`,
    skew: (seconds: number) =>
      seconds === 0
        ? 'Its clock agrees with the agent’s.'
        : `Its clock is ${count(Math.abs(seconds))} s ${seconds > 0 ? 'ahead of' : 'behind'} the agent’s.`,
    none: 'not tested yet',
    columns: { check: 'Tried', outcome: 'Can be done', found: 'What was found', took: 'Took' },
    ms: (ms: number) => `${count(Math.round(ms))} ms`,
    outcomes: { yes: 'yes', no: 'no', 'not-tried': 'not tried' } satisfies Record<
      CheckResult['outcome'],
      string
    >,
    checks: {
      credential: 'Have the credential',
      list: 'List the bucket',
      write: 'Write an object',
      read: 'Read it',
      tags: 'Set and read tags',
      'conditional-writes': 'Write only where nothing is',
      checksums: 'Refuse a broken body',
      multipart: 'Upload in parts',
      delete: 'Delete it again',
      versions: 'Say whether it keeps versions',
      clock: 'Agree on the time',
    } satisfies Record<ConnectionCheck, string>,
  },
} as const
