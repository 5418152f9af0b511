/** How the object of a job goes in parts, where it does: in the source's own, else in ours. */
import { evenly } from '../shared/boundaries.ts'
import type { CopyJob } from './copy-job.ts'
import type { PartsPlan } from './copy-parts.ts'
import { type CopyPlan, planCopy, planOurs } from './core/copy-plan.ts'
import { seeParts } from './source-parts.ts'

/** `surely`: asks once more rather than to be wrong. Throws `too-large`, `not-found` and `changed`. */
export async function planParts(
  job: CopyJob,
  surely = false,
): Promise<PartsPlan | Extract<CopyPlan, { how: 'at-once' | 'stream' }>> {
  const { source, destination } = job.deps
  const { size } = job.entry
  let plan = planCopy(job.entry, source.tokens, destination.multipart)
  if (plan.how === 'as-source') {
    const { head, boundaries, mayWalk } = await seeParts(job, destination.multipart!, plan.parts, surely)
    if (boundaries) return { head, boundaries, asSource: true, mayWalk }
    plan = planOurs(size, false, destination.multipart)
  }
  if (plan.how !== 'parts') return plan
  return { head: await job.head(), boundaries: evenly(size, plan.partSize), asSource: false, mayWalk: false }
}
