/** What is said of deletes: what the policy says of them, and what a pass asks that would delete more. */
import { count } from '../format.ts'

const objects = (n: number) => `${count(n)} ${n === 1 ? 'object' : 'objects'}`
const percents = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })

export const deletesTexts = {
  label: 'Objects that the source does not have',
  kinds: {
    no: [
      'Stay at the destination',
      'Nothing is ever deleted. What was removed at the source stays where it was copied to.',
    ],
    after: [
      'Are deleted at the destination after a while',
      'Not before an object has been missing at the source for so long, as far as Dray has seen: time to notice that something was deleted there by mistake.',
    ],
    yes: [
      'Are deleted at the destination',
      'Objects that the source does not have are deleted at the destination, also those that Dray did not copy. The source is asked once more before each. What the patterns leave out stays.',
    ],
  },
  after: 'After they were missing for',
  afterHint: 'What is there again meanwhile is not deleted.',
  share: 'Ask first past this share (%)',
  shareHint:
    'Of the objects at the destination. A pass that would delete more deletes nothing, and asks. Ten are always allowed. Empty: no bound.',
  objects: 'Ask first past so many objects',
  objectsHint: 'Empty: no bound.',
  conflicts: 'What somebody else has changed at the destination',
  conflictKinds: {
    overwrite: [
      'Is written over',
      'The destination is this migration’s own: whatever is other than the source there is made equal.',
    ],
    park: [
      'Stays, and is told as a conflict',
      'Nothing is overwritten or deleted that was changed there since both sides were equal. Somebody decides, object by object. A cut-over waits for it.',
    ],
  },
  asks: {
    title: (n: number, of: number) =>
      `This pass would delete ${objects(n)} of ${count(of)} at the destination${of > 0 ? ` (${percents.format(n / of)})` : ''}.`,
    says: 'That is more than the policy allows without asking, so nothing was deleted. The pass goes on with everything else, and waits. Look whether the source is what it should be: an empty or a wrong bucket, or a directory that is not mounted, looks like this.',
    allow: (n: number) => `Delete ${objects(n)}…`,
    leave: 'Leave them',
    allowTitle: (n: number) => `Delete ${objects(n)} at the destination?`,
    allowSays:
      'What is deleted there is gone. Each object is asked for at the source once more before; what is there stays. More than this are not deleted: the pass asks again.',
    typed: (n: number) => String(n),
    allowDeed: (n: number) => `Delete ${objects(n)}`,
    allowed: (n: number) => `The pass may delete ${objects(n)}.`,
    leaveTitle: (n: number) => `Leave ${objects(n)} where they are?`,
    leaveSays:
      'This pass deletes nothing, and goes on. The next one finds the same objects, and asks again: to be asked no more, change the policy.',
    leaveDeed: 'Leave them',
    left: 'The pass goes on, and deletes nothing.',
    mayNot: 'Your role here may look at migrations, and not answer.',
  },
} as const
