/** What is said of how far a verification looks. */
import { count } from '../format.ts'

const percents = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 })
const share = (of: number) => percents.format(of)

/** `1 in 4,000`; as a share, where that says more. */
export const oneIn = (of: number): string =>
  of > 0.05 ? share(of) : `1 in ${count(Number((1 / of).toPrecision(2)))}`

export const verificationTexts = {
  depth: 'How far it looks',
  sample: 'Read some of them in full on both sides besides',
  noSample: 'none',
  noSampleSays: 'What the depth above proves is all that is proved.',
  share: (of: number) => `${share(of)} of the objects, chosen at random`,
  known: (read: number, all: number, confidence: number, below: number) =>
    `About ${count(read)} of ${count(all)} objects are read, which costs as much as copying them. Should all of these be equal, then, with ${share(confidence)} confidence, fewer than ${oneIn(below)} of all objects differ.`,
  unknown: (of: number, confidence: number) =>
    `Each object is read with a chance of ${share(of)}, which costs as much as copying it. Of 3,000 that are read and equal it follows, with ${share(confidence)} confidence, that fewer than 1 in 1,000 of all differ.`,
} as const
