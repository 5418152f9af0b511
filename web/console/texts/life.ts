/** What is said of the life of a migration: where it stands, what is asked of it, the checklist of a cut-over. */
import type { Check, CutOverStep, Direction, EventSource, Lag, LifeState } from '../../../shared/life.ts'
import { count, duration } from '../format.ts'

/** Of seconds: `5 min`, and not `5 min 0 s`. */
export const span = (seconds: number): string => duration(seconds * 1000).replace(/ 0 (s|min|h)$/, '')

const objects = (n: number) => `${count(n)} ${n === 1 ? 'object' : 'objects'}`

/** The side that is left by a cut-over, or by a roll-back; and the other one. */
const left = (direction: Direction) => (direction === 'forward' ? 'the source' : 'the destination')
const other = (direction: Direction) => (direction === 'forward' ? 'the destination' : 'the source')

export const lifeTexts = {
  what: 'how this migration stands',
  states: {
    draft: 'Not started',
    surveying: 'Backfilling: listing',
    backfilling: 'Backfilling',
    following: 'Following',
    verifying: { forward: 'Before the cut-over', back: 'Before the roll-back' },
    ready: { forward: 'Ready to cut over', back: 'Ready to roll back' },
    'cut-over': 'Cut over',
    'rolled-back': 'Rolled back',
    closed: 'Closed',
    cancelled: 'Cancelled',
  } as const satisfies Record<LifeState, string | Record<Direction, string>>,
  paused: (state: string) => `${state}, paused`,
  asks: (state: string) => `${state}: it asks you`,
  stages: {
    name: 'The life of this migration',
    draft: 'Draft',
    backfill: 'Backfill',
    follow: 'Follow',
    verify: 'Verify',
    ready: 'Ready',
    'cut-over': 'Cut over',
    'verify-back': 'Verify the way back',
    'ready-back': 'Ready to go back',
    'rolled-back': 'Rolled back',
    closed: 'Closed',
    cancelled: 'Cancelled',
    done: 'done',
    now: 'now',
    coming: 'to come',
  },
  figures: {
    since: 'Since',
    direction: 'Direction',
    lag: 'Behind',
    next: 'Comes next by itself',
    nothing: 'Nothing',
    asks: 'It waits for you',
    at: (when: string) => `at ${when}`,
    in: (time: string) => `in ${time}`,
    forward: ['Source → destination', 'the destination is made what the source is'],
    back: ['Destination → source', 'the source is made what the destination is'],
  } as const,
  lag: {
    unknown: 'not known yet',
    unknownSays: 'a first pass has to find it out',
    none: 'Nothing',
    behind: (ms: number) => (ms < 1000 ? 'under 1 s' : duration(ms)),
    proven: (at: string) => `all before ${at} is proven`,
    events: (n: number) => `${count(n)} ${n === 1 ? 'change' : 'changes'} told of and not yet copied`,
    of: {
      nothing: '',
      event: 'by a change that was told of',
      pass: 'by what no pass has looked at yet',
      failure: 'by what failed: see Failures',
    } satisfies Record<Lag['of'], string>,
  },
  pausedBanner: (since: string, by: string) => `Paused since ${since} by ${by}.`,
  pausedHow: 'No pass begins and no packet is given out until it is resumed; it falls behind meanwhile.',
  mayNot: 'Your role here may look at migrations, and not run them.',
  begins: 'Its first pass begins.',
  notStarted: {
    once: 'Copy once',
    onceSays:
      'One pass: both sides are listed, what is missing or different is copied, and it ends. For data that nobody writes to any more, or to begin with. “Start” does this, as often as you like.',
    life: 'Backfill, and follow',
    lifeSays:
      'Everything is copied, and then kept up to date, pass after pass, while the application goes on writing. When you are ready, Dray walks you through the cut-over, with proof and a way back. “Backfill and follow” does this.',
  },
  deeds: {
    start: 'Backfill and follow…',
    again: 'Follow again…',
    pause: 'Pause…',
    resume: 'Resume',
    cancel: 'Cancel for good…',
    verify: 'Verify now…',
    'cut-over': 'Cut over…',
    abandon: 'Leave the checklist…',
    freeze: 'Declare the freeze…',
    switch: 'Switch…',
    switchBack: 'Switch back…',
    'roll-back': 'Roll back…',
    stop: 'Stop following…',
    close: 'Close…',
    failures: 'Look at what failed',
    deletes: 'Answer about deletes',
    look: 'Open the checklist',
    follow: 'How it follows…',
  },
  ask: {
    start: {
      title: 'Backfill, and follow?',
      says: (source: string, destination: string) =>
        `Everything at ${source} is copied to ${destination}. Then passes repeat, and changes that are told of are copied between them, so that the destination stays up to date.`,
      more: 'The application goes on as before: nothing is switched until you cut over. It can be paused, and cancelled, at any time.',
      deletes: {
        never: 'What is deleted at the source stays at the destination: the policy deletes nothing there.',
        atOnce: 'What is deleted at the source is deleted at the destination too, as the policy says.',
        after: (time: string) =>
          `What is deleted at the source is deleted at the destination ${time} later, as the policy says.`,
      },
      deed: 'Backfill and follow',
      done: 'It backfills, and follows then.',
    },
    pause: {
      title: 'Pause it?',
      says: 'No pass begins, and nothing is given to agents, until somebody resumes it. What is copied stays; it falls behind meanwhile. Changes that are told of are kept.',
      deed: 'Pause',
      done: 'It is paused.',
    },
    resumed: 'It goes on.',
    cancel: {
      title: 'Cancel it for good?',
      says: 'The pass is cancelled, uploads that were begun are aborted, and nothing follows any more. What was copied stays. It can be started again, and finds what is copied already.',
      deed: 'Cancel it',
      done: 'It is cancelled.',
    },
    verify: {
      title: 'Verify now',
      says: 'Between two passes that follow, both sides are compared. Nothing is changed by it; what the application writes meanwhile is told as different, and copied by the next pass.',
      deed: 'Verify',
      done: 'It is verified as soon as the pass that runs has ended.',
    },
    'cut-over': {
      title: 'Begin the cut-over?',
      says: 'Nothing is switched by this. Dray walks a checklist with you, and asks you where it needs you:',
      steps: (lag: string, source: string) => [
        `it waits until it is less than ${lag} behind, and nothing that failed is open;`,
        `it asks you to stop all writes to ${source}, and to say so;`,
        'it copies what is left, until two listings of both sides agree, verifies, and signs a certificate;',
        'then it tells you to switch. Writes are stopped from your word to the switch.',
      ],
      more: 'You can leave the checklist at any time before the switch: it follows on as if nothing had been.',
      noWayBack: 'There will be no way back by Dray.',
      noWayBackHow:
        'Keep the source as it is until the destination has proved itself: what is written after the cut-over is only there.',
      deed: 'Begin the checklist',
      done: 'The checklist has begun.',
    },
    abandon: {
      title: 'Leave the checklist?',
      says: (side: string) =>
        `It follows again as before, and writes to ${side} may go on. The checklist begins anew the next time; what it has copied and verified stays.`,
      deed: 'Leave the checklist',
      done: 'The checklist is left. It follows on.',
    },
    switch: {
      title: (direction: Direction) =>
        direction === 'forward' ? 'Switch to the destination?' : 'Switch back to the source?',
      says: (to: string) =>
        `Point the application at ${to} now, and let it write again. Dray does not do this for you: by this you say that it is so.`,
      follows: {
        forward: [
          'From now on the source follows the destination: what the application writes there is brought back, so that a roll-back loses nothing.',
          'What somebody still writes to the source is a conflict: it is told, and never overwritten or deleted.',
        ],
        back: [
          'The application writes to the source again.',
          'What somebody still writes to the destination is a conflict: it is told, and never overwritten or deleted.',
        ],
      } satisfies Record<Direction, string[]>,
      deed: (direction: Direction) => (direction === 'forward' ? 'It is switched' : 'It is switched back'),
      done: (direction: Direction) =>
        direction === 'forward'
          ? 'Cut over. The source follows the destination now.'
          : 'Rolled back: the application writes to the source again.',
    },
    'roll-back': {
      title: 'Begin the way back?',
      says: 'Nothing is switched by this. Dray walks the same checklist with you, the other way:',
      steps: (destination: string, source: string) => [
        `it asks you to stop all writes to ${destination}, and to say so;`,
        `it brings to ${source} whatever was written at the destination since the cut-over, and verifies;`,
        'then it tells you to switch back.',
      ],
      more: 'You can leave the checklist at any time before the switch.',
      deed: 'Begin the way back',
      done: 'The checklist of the way back has begun.',
    },
    stop: {
      title: 'Stop following?',
      says: 'The application never left the source, so there is nothing to bring back. Nothing follows any more; what was copied stays.',
      deed: 'Stop following',
      done: 'It does not follow any more.',
    },
    close: {
      title: 'Close it for good?',
      says: 'Nothing follows any more, and there is no way back by Dray after this: what is written at one side from now on is not at the other. What was copied, its reports and its certificates stay.',
      deed: 'Close it',
      done: 'It is closed.',
    },
    freeze: {
      title: (side: string) => `Does nobody write to ${side} any more?`,
      says: 'By declaring the freeze you promise:',
      promises: [
        'the application, its jobs and everybody else have stopped writing, overwriting and deleting there;',
        'no presigned address that lets somebody upload there is good any more;',
        'it stays so until the switch, or until the checklist is left.',
      ],
      more: 'Dray cannot know who may write. It lists again after your word, and finds what it can; what is written after that is on one side only.',
      promise: (side: string) => `Nobody writes to ${side} from now on.`,
      deed: 'Declare the freeze',
      done: 'The freeze is declared.',
    },
    waive: {
      title: 'Go on all the same?',
      says: {
        uploads:
          'An upload that is open can still be completed by whoever began it: the object would then be at the side that is left, and not at the other. Who let it be, when and why is recorded.',
        other: 'Who let it be, when and why is recorded.',
      },
      reason: 'Why it may be so',
      deed: 'Go on all the same',
      done: 'It goes on.',
    },
    retried: 'It is tried again.',
  },
  checklist: {
    forward: 'Before the cut-over',
    back: 'Before the roll-back',
    says: (done: number, all: number) => `${count(done)} of ${count(all)} steps hold.`,
    none: 'No cut-over was begun. It is begun by “Cut over…”, once the migration follows.',
    /** What each step is, in words of what must hold. */
    steps: {
      lag: () => 'It is hardly behind',
      failures: () => 'Nothing that failed is open',
      freeze: (direction) => `Nobody writes to ${left(direction)}`,
      uploads: (direction) => `No upload is open at ${left(direction)}`,
      'last-pass': () => 'A last pass has copied what was left',
      quiet: () => 'Two listings agree',
      verification: () => 'Both sides are verified',
      certificate: () => 'The certificate is signed',
      switch: (direction) => `The application uses ${other(direction)}`,
    } satisfies Record<CutOverStep, (direction: Direction) => string>,
    states: {
      waiting: 'To come',
      doing: 'At it',
      asks: 'Asks you',
      done: 'Holds',
      waived: 'Let be',
      failed: 'Does not hold',
    } satisfies Record<Check['state'], string>,
    since: 'since',
    by: 'by',
    pass: (n: number) => `Pass ${n}`,
    retry: 'Try again',
    waive: 'Go on all the same…',
  },
  history: {
    name: 'How it came here',
    none: 'Nothing has happened yet.',
    by: (by: string) => `by ${by}`,
  },
  conflicts: {
    title: (n: number) => (n === 1 ? '1 conflict' : `${count(n)} conflicts`),
    says: 'Somebody else has changed, made or deleted them at the side that follows. Dray left both sides as they are. Somebody has to look, before a cut-over goes on.',
    look: 'Look at them',
    /** In the list of causes. */
    means:
      'These objects were changed at both sides, or at the side that only follows, by somebody other than Dray. Nothing was overwritten, and nothing deleted: both sides have what they had.',
    todo: [
      'Look at the object at both sides, and decide which is right.',
      'Where the side that is written to is right: delete the other one by hand, and try again. It is copied anew.',
      'Where the side that follows is right: copy it over by hand, and try again.',
      'Where both may stay as they are: waive it, with the reason. A cut-over goes on then.',
    ],
  },
  told: {
    name: 'How it hears of changes',
    passes: (least: string, most: string) =>
      `Passes repeat ${least} to ${most} after one another, sooner where more changes.`,
    every: (pause: string) => `Passes repeat ${pause} after one another.`,
    none: 'Nobody tells of changes between them. To be told sooner: “How it follows…”.',
    webhook: 'Notifications of the store are posted to this address',
    side: {
      forward: 'of the source',
      back: 'of the destination, which has ?side=destination',
    } satisfies Record<Direction, string>,
    token:
      'With the header “Authorization: Bearer TOKEN”: a token of People and tokens that may run migrations (migrations:run).',
    queue: (address: string) => `Agents poll the queue ${address}`,
    watch: 'Agents watch the directory',
    kinds: { webhook: 'webhook', sqs: 'queue', watch: 'watch' } satisfies Record<EventSource['kind'], string>,
  },
  objects,
} as const
