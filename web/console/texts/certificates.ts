/** What is said of certificates. */
import { count } from '../format.ts'
import { oneIn } from './verification.ts'

const objects = (n: number) => `${count(n)} ${n === 1 ? 'object' : 'objects'}`
const percents = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 })

export const certificateTexts = {
  what: 'certificates',
  title: 'Certificates',
  none: 'There is no certificate yet. A verification that ends with nothing open can be certified: what was compared, how it was proved, and a hash over all of it, signed.',
  issue: (pass: number) => `Certify pass ${pass}`,
  issued: (pass: number) => `The certificate of pass ${pass} is signed.`,
  /** What can be certified. */
  can: (pass: number) => `Pass ${pass} is a verification that nothing is open of: it can be certified.`,
  mayNot: 'Your role here may look at migrations, and not certify.',
  name: (pass: number) => `Certificate of pass ${pass}`,
  signedAt: 'Signed',
  verified: 'Verified',
  from: (began: string, ended: string) => `from ${began} to ${ended}`,
  says: (n: number, source: string, destination: string) =>
    `${objects(n)} of ${source} and of ${destination} were compared, and are equal`,
  but: (n: number) => `, but for ${objects(n)} named below`,
  oneWay: 'One way',
  oneWaySays: (place: string) => `what only ${place} has was let be, and is not in it`,
  proved: 'How they were proved equal',
  sample: (read: number, of: number, confidence: number, below: number) =>
    below === 0
      ? `All ${objects(of)} were read in full on both sides.`
      : `${objects(read)} of ${count(of)}, chosen at random, were read in full on both sides and are equal: with ${percents.format(confidence)} confidence fewer than ${oneIn(below)} of all differ.`,
  exceptions: 'Not equal, and waived by name',
  exception: (by: string, reason: string) => `waived by ${by}: ${reason}`,
  left: (n: number) => `and ${count(n)} more, which the file counts`,
  root: 'Root of all',
  rootSays: (leaves: number) =>
    leaves === 1
      ? 'the hash of all, as one range of keys'
      : `the hash over ${count(leaves)} ranges of keys, in their order`,
  signers: 'Signed by',
  controlPlane: 'the control plane',
  signed: (n: number) => `${count(n)} ${n === 1 ? 'range' : 'ranges'}`,
  download: 'Download the certificate',
  how: 'To check it, without Dray’s control plane',
  howSays:
    'The first line checks the signatures and the root, offline. The second one lists the destination besides, and works its digests out again. The control plane’s public key can be had of whoever runs it; compare it with the one above.',
  command: (file: string, key: string, place: string) =>
    `dray verify-certificate ${file} --key ${key}\ndray verify-certificate ${file} --key ${key} --against ${place}`,
  file: (migration: string, pass: number) => `${migration}-pass-${pass}-certificate.ndjson`,
} as const
