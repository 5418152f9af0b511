import { count } from '../format.ts'

const objects = (n: number) => `${count(n)} ${n === 1 ? 'object' : 'objects'}`
const packets = (n: number) => `${count(n)} ${n === 1 ? 'packet' : 'packets'}`

export const failureTexts = {
  none: 'Nothing failed.',
  noneYet: 'Nothing has failed so far.',
  noneHere: 'Nothing that failed is like that. Look for something else, or at all of it.',
  pass: 'Pass',
  passIs: (number: number, kind: string, failed: number) =>
    `Pass ${number}, ${kind}: ${failed === 0 ? 'nothing failed' : `${count(failed)} failed`}`,
  older: (pass: number) => `These are of pass ${pass}, which is not the last one.`,
  retries: (pass: number, of: number) => `Pass ${pass} tries again what failed in pass ${of}.`,
  others: (n: number) => `There, and before, ${objects(n)} ${n === 1 ? 'is' : 'are'} still open.`,
  title: (pass: number) => `What failed in pass ${pass}`,
  causes: 'Causes',
  everyCause: 'All causes',
  objects,
  packets,
  of: (n: number, isMore: boolean) => (isMore ? `more than ${count(n)}` : count(n)),
  states: { open: 'Open', retried: 'Tried again', waived: 'Waived' },
  shares: (open: number, retried: number, waived: number) =>
    [
      `${count(open)} open`,
      ...(retried > 0 ? [`${count(retried)} tried again`] : []),
      ...(waived > 0 ? [`${count(waived)} waived`] : []),
    ].join(', '),
  seen: (first: string, last: string) => (first === last ? `Seen ${first}` : `Seen from ${first} to ${last}`),
  remedy: 'What to do:',
  samples: 'For example',
  show: 'Show the objects',
  restOf: 'All others of this kind: there are too many to tell apart.',
  details: 'Details',
  parked: (n: number) => `${packets(n)} given up`,
  parkedSays:
    'These are ranges of keys that no agent could work on to their end; what is in them may not have been looked at. The next pass does them again.',
  follows: (pass: number) =>
    `Pass ${pass} runs, and the one after it tries again by itself what failed, as long as the migration follows.`,
  waits: (pass: number) => `Pass ${pass} runs. What failed can be tried again once it has ended.`,
  forbidden: 'Your role does not let you try again or waive.',
  retry: {
    deed: (n: string) => `Retry ${n}`,
    title: (n: string) => `Try ${n} again?`,
    says: (pass: number) =>
      `A pass begins over these objects and nothing else, with the options of pass ${pass}. What fails once more is a failure of the new pass.`,
    cause: 'If the cause is still there, they fail again.',
    undone: (n: number) => `It also does the ${packets(n)} that this pass left undone.`,
    kind: 'What it does',
    verify: 'Verify again',
    verifySays: 'Looks at them once more, and copies nothing.',
    copy: 'Copy them',
    copySays: 'Makes the destination equal to the source.',
    done: (n: number, pass: number) => `Pass ${pass} tries ${objects(n)} again.`,
  },
  waive: {
    deed: (n: string) => `Waive ${n}`,
    title: (n: string) => `Waive ${n}?`,
    says: 'They stay as they are: missing or different at the destination. A pass of which nothing else is left counts as complete. Who waived them, when and why is recorded, and it can be taken back.',
    reason: 'Why they may stay so',
    done: (n: number) => `Waived ${objects(n)}.`,
  },
  reopen: {
    deed: (n: string) => `Take back ${n}`,
    title: (n: string) => `Take back the waiver of ${n}?`,
    says: 'They are open again, and a pass that was complete because of it is incomplete again.',
    done: (n: number) => `${objects(n)} ${n === 1 ? 'is' : 'are'} open again.`,
  },
  filter: {
    name: 'Which of them',
    cause: 'Cause',
    any: 'any',
    prefix: 'Key begins with',
    text: 'Key or message holds',
    state: 'State',
    clear: 'Show all',
  },
  list: {
    name: 'Objects that failed',
    help: 'Arrow keys move, Space selects, Shift and Space selects all up to there, Enter opens.',
    columns: {
      select: 'Selected',
      key: 'Key',
      cause: 'Cause',
      bytes: 'Bytes',
      at: 'Seen',
      state: 'State',
    },
    select: (key: string) => `Select ${key}`,
    all: (n: string) => `All ${n}`,
    chosen: (n: string) => `${n} selected`,
    clear: 'Clear',
    tooMany: (most: number) =>
      `At most ${count(most)} can be selected one by one. Narrow it down, and take all of them.`,
    loading: 'Loading…',
    end: (most: number) =>
      `The first ${count(most)} are shown. Narrow it down to see others, or download all of them.`,
    lost: 'These could not be loaded.',
    retriedBy: (pass: number) => `by pass ${pass}`,
  },
  one: {
    key: 'Key',
    message: 'What was said',
    remedy: 'What to do',
    waivedBy: (by: string, at: string) => `Waived by ${by}, ${at}`,
  },
  download: 'Download',
  formats: {
    csv: 'CSV',
    ndjson: 'NDJSON',
    'csv.gz': 'CSV, compressed',
    'ndjson.gz': 'NDJSON, compressed',
  },
} as const

/** `access-denied`: Access denied. */
export const nameOf = (code: string): string => {
  const words = code.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
