/** What a person can do about each cause, where the error itself does not say it better: in the words of this command, where it has some. */
import type { ErrorCode } from '../../shared/error.ts'
import { remedies } from '../../shared/remedy.ts'

export const hints: Record<ErrorCode, string> = {
  ...remedies,
  usage: 'See dray --help.',
  config: 'See dray --help.',
  busy: 'Wait until it is free, then run the same command again.',
  'not-found':
    'Check the name; where the source lists it, run the same command again, and look at the store if it stays.',
  'bad-credentials':
    'Check the keys: AWS_PROFILE, --source-profile or --destination-profile, ~/.aws/credentials.',
  'wrong-region': 'Give the right region with --source-region or --destination-region.',
  'clock-skew': "Set this machine's clock.",
  unreachable: 'Check the endpoint and the network, then run the same command again.',
  timeout: 'Check the network, then run the same command again.',
  throttled: 'Run the same command again later, or with a lower --concurrency.',
  'server-error': 'Run the same command again; look at the server if it stays.',
  'invalid-request': 'The store refuses this object; see the report for its words.',
  'not-implemented': 'The store cannot do this; see the report for its words.',
  'bad-digest': 'The network or a disk changed bytes; run the same command again.',
  conflict:
    'Somebody else has written or deleted it in DST. Make both sides what is right, by any tool, and run the same command again; without --conflicts park it is made as SRC is.',
  changed: 'It changed while it was copied; run the same command again.',
  'unsupported-property':
    'Choose a destination that holds it, or say with --on-loss go-on that it may be left out and counted.',
  unmapped: 'Change --map-pattern so that it matches, or say --map-unmatched keep or skip.',
  archived: 'Run the same command with --archived restore, or with --archived skip to leave it out.',
  'no-space': 'Make room at the destination, then run the same command again.',
  'read-only': 'Make the destination writable, then run the same command again.',
  io: 'Check that disk, then run the same command again.',
  differs:
    'Run dray copy with the same places to make them equal; with --compare full where only metadata differ.',
  missing: 'Run dray copy with the same places to make them equal.',
  extra: 'dray copy --delete removes it; --one-way does not mind it.',
  protocol: 'Use the same version of Dray everywhere.',
  stale: 'Run the same command again.',
  interrupted: 'Run the same command again: it goes on from here.',
  internal: 'This is a defect of Dray: please report it, with the output of DRAY_DEBUG=1.',
}
