/** What a person can do about what failed, wherever they read it; the command line says some of it more closely (agent/cli/hints.ts). */
import type { ErrorCode } from './error.ts'

export const remedies: Record<ErrorCode, string> = {
  usage: 'What was asked for makes no sense here; see the message.',
  config: 'Correct what the message names, at the connection or at the agent, then try again.',
  busy: 'Wait until it is free, then try again.',
  'no-such-bucket': 'Check the bucket name and the endpoint; Dray makes no buckets.',
  'not-found': 'Check the name; where the source lists it, try again, and look at the store if it stays.',
  'bad-credentials':
    'Check the credentials of the connection: they may have expired or been replaced. Then try again.',
  'access-denied': 'Ask whoever owns the place for the right to list, read and write there, then try again.',
  'wrong-region': 'Give the connection the right region, then try again.',
  'clock-skew': 'Set the clock of the agent’s machine, then try again.',
  unreachable: 'Check the endpoint and the network between it and the agents, then try again.',
  timeout: 'Check the network between the agents and the store, then try again.',
  throttled: 'Try again later, or with a lower limit for this endpoint.',
  'server-error': 'Try again; look at the server if it stays.',
  'invalid-request': 'The store refuses these objects; its words are in the message.',
  'not-implemented': 'The store cannot do this; its words are in the message.',
  'bad-digest':
    'The network or a disk changed bytes, or the store holds other bytes than it says. Try again, and look at the source if it stays.',
  conflict:
    'Somebody else has changed or deleted them at the side that follows, so nothing was overwritten there. Look at both sides, keep what is right at both, and waive or try again.',
  changed: 'They changed while they were copied. Try again when they are not being written.',
  unordered: 'This store does not list in the order of bytes, which Dray needs.',
  'out-of-range': 'This store lists what it was not asked for; it cannot be trusted with a migration.',
  'unsupported-key':
    'The destination cannot hold such names: rename the objects, map their keys, or choose one that can.',
  'unsupported-property':
    'Choose a destination that holds it, or say in the policy that it may be left out and counted.',
  'key-clash': 'Two objects cannot have one name: rename one of them, map them apart, or copy to a bucket.',
  unmapped:
    'The mapping does not match these keys: make a migration whose mapping does, or that keeps or skips them.',
  'too-large': 'The destination does not take objects of this size.',
  archived:
    'They must be restored before they can be read: say in the policy that they are to be restored, or skipped.',
  symlink: 'Replace the link by what it leads to, or say in the policy that links are followed.',
  'special-file': 'Devices, sockets and pipes hold no content to copy: remove them, or waive them.',
  'no-space': 'Make room at the destination, then try again.',
  'read-only': 'Make the destination writable, then try again.',
  io: 'Check the disk, then try again.',
  differs: 'What is at the destination is not what is at the source: retry it as a copy to make them equal.',
  missing: 'It is not at the destination: retry it as a copy.',
  extra: 'It is only at the destination: a copy that deletes removes it.',
  protocol: 'Use the same version of Dray everywhere.',
  stale: 'Try again.',
  interrupted: 'Try again: it goes on from there.',
  internal: 'This is a defect of Dray: please report it, with the message.',
}
