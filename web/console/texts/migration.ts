/** What the page of a migration says. */
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { WatchEvent } from '../../../shared/api/watch.ts'
import { count } from '../format.ts'
import { plain } from '../hostile.ts'

const objects = (n: number) => `${count(n)} ${n === 1 ? 'object' : 'objects'}`
const packets = (n: number) => `${count(n)} ${n === 1 ? 'packet' : 'packets'}`
const lists = 'it lists both sides, and copies what differs'

export const migrationTexts = {
  copyId: 'Copy the name',
  copied: 'Copied.',
  notStarted: 'Nothing has been copied yet. Start it, or make a dry run to see what a copy would do.',
  more: 'More of what can be done',
  tabs: {
    name: 'Of this migration',
    failures: 'Failures',
    life: 'Life',
    activity: 'Activity',
    packets: 'Packets',
    passes: 'Passes',
    certificates: 'Certificates',
    definition: 'Definition',
  },
  deeds: {
    start: 'Start',
    next: 'Start the next pass',
    verify: 'Verify…',
    dryRun: 'Make a dry run…',
    pause: 'Pause…',
    resume: 'Resume',
    cancel: 'Cancel the pass',
    edit: 'Priority and policy…',
    follow: 'How it follows…',
    yaml: 'Save as YAML',
    duplicate: 'Make another one like it',
    remove: 'Delete…',
    mayNot: 'Your role here may look at migrations, and not run them.',
  },
  started: (pass: number) => `Pass ${pass} runs.`,
  cancel: {
    title: (pass: number) => `Cancel pass ${pass}?`,
    says:
      'The agents stop at once. What they have copied stays; what was in flight is thrown away. The next pass begins anew: ' +
      lists +
      ', so nothing is copied twice.',
    deed: 'Cancel the pass',
    done: 'The pass is cancelled.',
  },
  pause: {
    title: (pass: number) => `Pause pass ${pass}?`,
    says: 'Nothing new is given to agents until somebody resumes it. What is done stays done.',
    inFlight: 'What is at work now',
    finish: 'is finished first',
    finishHint: 'Packets that agents hold go on to their ends: nothing is done twice.',
    stop: 'stops at once',
    stopHint: 'What is in flight is thrown away, and copied again when it is resumed.',
    deed: 'Pause the pass',
    done: 'The pass is paused.',
    resumed: 'The pass goes on.',
    banner: (since: string, by: string) => `Paused since ${since} by ${plain(by)}.`,
    bannerHow: 'Nothing is given to agents until it is resumed.',
  },
  remove: {
    title: (id: string) => `Delete ${id}?`,
    says: 'Its passes, their reports and failures, and its schedules are deleted for good. The objects that it has copied stay where they are, at both sides.',
    deed: 'Delete the migration',
    done: (id: string) => `${id} is deleted.`,
    running: 'A pass is running: cancel it first.',
  },
  edit: {
    title: 'Priority and policy',
    says: 'The priority holds at once. The policy is for the passes that begin from now on.',
    priority: 'Priority',
    priorities: {
      low: 'Low: agents do this where nothing else is to be done',
      normal: 'Normal',
      high: 'High: four times as many packets as a normal one, from agents that both need',
    },
    compare: 'Objects of one size are the same where',
    compares: {
      auto: 'ETags, or else the baseline or times say so',
      checksum: 'their contents are, which are read where ETags do not tell',
      mtime: 'their times say so',
      full: 'every byte is: both sides are read, each time',
    },
    archived: 'Archived objects',
    archiveds: {
      fail: 'fail, each by its name',
      skip: 'are left out and counted',
      restore: 'are restored, which the store charges for',
    },
    rest: 'What else the policy says stays as it is.',
    save: 'Save',
    done: 'Saved.',
  },
  parked: (n: number, parked: number) =>
    `${packets(n)}${parked > 0 ? `, ${count(parked)} of them parked` : ', being tried again'}`,
  since: (at: string) => `Since ${at}.`,
  waits: 'It waits for an agent.',
  waitsHow: 'To the sites and their agents',
  settled: (share: string) => `${share} of the objects are settled`,
  figures: {
    of: (all: string) => `of ${all}`,
    same: 'Same',
    copied: 'Copied',
    failed: 'Failed',
    extra: 'Extra',
    skipped: 'Skipped',
    vanished: 'Vanished',
    deleted: 'Deleted',
    done: (n: string) => `${n} done`,
    rest: (leased: string, ready: string, parked: string) =>
      `${leased} leased, ${ready} ready, ${parked} parked`,
    workFor: 'work for it',
    still: 'nothing moves',
    holds: 'Nothing left to do',
    holdsUntil: (at: string) => `open for changes until ${at}`,
    events: 'Changes told of',
    eventsRest: (waiting: string, n: number, left: number) =>
      `${waiting} waiting; ${objects(n)} copied or deleted by them${left > 0 ? `; ${count(left)} left to the next pass` : ''}`,
  },
  events: {
    name: 'What happened',
    none: 'Nothing of this happened in what is selected.',
    all: (n: number) => `Show all ${n}`,
    fewer: 'Show the last ones',
    more: (n: number) => `and ${n} times before it that agents came or went`,
    pass: (n: number) => `pass ${n}`,
    says: (event: WatchEvent): string => {
      switch (event.is) {
        case 'began':
          return `A ${event.kind === 'verify' ? 'verification' : event.dryRun ? 'dry run' : 'copy'} began`
        case 'ended':
          return `The pass ended: ${event.state}`
        case 'came':
          return `The agent ${plain(event.agent)} came`
        case 'left':
          return `The agent ${plain(event.agent)} went`
        case 'silent':
          return `The agent ${plain(event.agent)} fell silent; ${packets(event.packets)} of it go to others`
        case 'error':
          return 'A packet is tried again'
        case 'paused':
          return `Paused by ${plain(event.by)}`
        case 'resumed':
          return 'Resumed'
        case 'parked':
          return event.packets === 1 ? 'A packet is parked' : `${packets(event.packets)} are parked by now`
        case 'stuck':
          return `Nothing of ${packets(event.packets)} of the agent ${plain(event.agent)} moved for an hour; they are tried again`
        case 'asks':
          return `It would delete ${objects(event.deletes)} of ${count(event.of)} at the destination, and asks first`
        case 'failed':
          return event.objects === 1
            ? 'The first object failed so'
            : `${objects(event.objects)} failed so by now`
        default:
          return event satisfies never
      }
    },
  },
  selected: {
    name: 'Selected',
    agent: (agent: string) => `the agent ${plain(agent)}`,
    time: (from: string, to: string) => `${from} to ${to}`,
    clear: 'Show all again',
  },
  chart: {
    name: 'Throughput',
    help: 'Drag over it, or hold Shift with the arrow keys, to look at a span of time; Escape shows all.',
    table: 'Throughput over time',
    time: 'Time',
    says: (at: string, bytes: string, objects: string, failed: string) =>
      `${at}: ${bytes}/s, ${objects} objects/s, ${failed} failed`,
  },
  lanes: {
    name: 'Agents',
    now: 'Now',
    site: (site: string) => site || 'no site',
    held: (n: number) => (n === 0 ? 'at rest' : packets(n)),
    away: 'not at work now',
    over: (least: string, most: string) => `From ${least}/s to ${most}/s over time`,
    all: (n: number) => `Show all ${n} agents`,
    none: 'No agent has worked for it since the control plane began to look.',
  },
  packet: {
    name: 'Packet',
    title: (id: number) => `Packet ${count(id)}`,
    close: 'Close the packet',
    list: 'Packets from here on',
    state: 'State',
    kind: 'Kind',
    agent: 'Agent',
    attempts: 'Attempts',
    objects: 'Objects',
    bytes: 'Bytes',
    failed: 'Failed',
    error: 'Last error',
    after: 'After',
    through: 'Through',
    beginning: 'the beginning',
    end: 'the end',
    states: { ready: 'ready', leased: 'leased', done: 'done', parked: 'parked' },
    kinds: { survey: 'survey', copy: 'copy', parts: 'parts', verify: 'verify', event: 'event' },
    caption: 'Packets, in the order of keys',
    gone: 'It has been divided meanwhile.',
  },
} as const

export type StateOf = PassStatus['state'] | 'new'
