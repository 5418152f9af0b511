/** The life of a migration: where it stands, and what an operator asks of it. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { cutOverSteps, lifeSchema } from '../life.ts'
import { depths } from '../policy.ts'
import { passStatusSchema } from './migrations.ts'
import { route } from './route.ts'

const one = '/api/workspaces/:workspace/migrations/:migration' as const
const params = z.object({ migration: idSchema })
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const needs = 'migrations:run'

export const readLife = route({
  method: 'GET',
  path: `${one}/life`,
  needs: 'migrations:read',
  summary:
    'Read where a migration stands in its life: its state, how far it lags, the checklist of a cut-over, and what can be asked of it now.',
  params,
  answer: lifeSchema,
})

export const startLife = route({
  method: 'POST',
  path: `${one}/life/start`,
  needs,
  summary:
    'Backfill, and then follow: passes repeat, at intervals that adapt to the rate of change, until a cut-over. Once more, where it goes on already, is no error.',
  params,
  answer: lifeSchema,
})

export const pauseLife = route({
  method: 'POST',
  path: `${one}/life/pause`,
  needs,
  summary:
    'Pause: no packet is leased and no pass begins from now on. What is at work is finished, or stopped within 3 seconds (parts that are uploaded are kept).',
  params,
  body: z.strictObject({ inFlight: z.enum(['finish', 'stop']).default('finish') }),
  answer: lifeSchema,
})

export const resumeLife = route({
  method: 'POST',
  path: `${one}/life/resume`,
  needs,
  summary: 'Go on after a pause.',
  params,
  answer: lifeSchema,
})

export const cancelLife = route({
  method: 'POST',
  path: `${one}/life/cancel`,
  needs,
  summary:
    'Stop for good, from whatever state: the pass is cancelled, uploads that were begun are aborted, what was copied stays. It can be started again.',
  params,
  answer: lifeSchema,
})

export const verifyLife = route({
  method: 'POST',
  path: `${one}/life/verify`,
  needs,
  summary: 'Verify now, between two passes that follow.',
  params,
  body: z.strictObject({
    depth: z.enum(depths).optional(),
    /** The share of the objects that is read in full on both sides besides. */
    sample: z.number().gt(0).lte(1).nullable().optional(),
  }),
  answer: lifeSchema,
})

export const cutOver = route({
  method: 'POST',
  path: `${one}/life/cut-over`,
  needs,
  summary:
    'Begin the checklist of a cut-over: lag, failures, freeze, open uploads, last pass, quiet, verification, certificate, switch. Nothing is switched by it.',
  params,
  answer: lifeSchema,
})

export const doStep = route({
  method: 'POST',
  path: `${one}/life/steps/:step`,
  needs,
  summary:
    'Answer a step of the checklist that asks: `declare` (the freeze holds: nobody writes to the side that is left), `retry`, or `waive` with a reason (open uploads).',
  params: params.extend({ step: z.enum(cutOverSteps) }),
  body: z.strictObject({
    do: z.enum(['declare', 'retry', 'waive']),
    reason: z.string().min(1).max(500).optional(),
  }),
  answer: lifeSchema,
})

export const abandonCutOver = route({
  method: 'POST',
  path: `${one}/life/abandon`,
  needs,
  summary:
    'Leave the checklist of a cut-over or a roll-back, and follow again as before. Writes may go on at the side that they came to.',
  params,
  answer: lifeSchema,
})

export const switchOver = route({
  method: 'POST',
  path: `${one}/life/switch`,
  needs,
  summary:
    'Say that the application uses the other side from now on, once the checklist holds: after a cut-over, the source begins to follow the destination.',
  params,
  answer: lifeSchema,
})

export const rollBack = route({
  method: 'POST',
  path: `${one}/life/roll-back`,
  needs,
  summary:
    'After a cut-over: begin the checklist of the way back, which brings to the source whatever was written at the destination since. Before one: stop following; the application never left.',
  params,
  answer: lifeSchema,
})

export const closeLife = route({
  method: 'POST',
  path: `${one}/life/close`,
  needs,
  summary: 'After a cut-over (or a roll-back): stop following, for good.',
  params,
  answer: lifeSchema,
})

export const answerDeletes = route({
  method: 'POST',
  path: `${one}/passes/:pass/deletes`,
  needs,
  summary:
    'Answer a pass that waits, since it would delete more than the policy’s cap: `allow` up to so many objects, or `leave` them, and go on.',
  params: params.extend({ pass: number }),
  body: z.discriminatedUnion('do', [
    z.strictObject({ do: z.literal('allow'), objects: z.number().int().positive() }),
    z.strictObject({ do: z.literal('leave') }),
  ]),
  answer: passStatusSchema,
})
