/** A workspace at a glance: what needs somebody, what runs, and the rest in figures. Small, whatever the workspace holds. */
import * as z from 'zod'
import { route } from './route.ts'

const figure = z.number()

export const attentionSchema = z.object({
  /**
   * Of a migration: a step of its checklist asks; its pass would delete more than its cap, and asks; nobody works for its pass; its last pass is incomplete; packets of the one that runs are parked; objects are in conflict; something that
   * failed is open while it follows. Of an agent: it is away
   * for more than a minute; it cannot reach what it may use; two processes had its identity within a day. Of a connection: revoked agents
   * have its secret.
   */
  is: z.enum([
    ...(['asks', 'deletes', 'waits', 'incomplete', 'parked', 'conflicts', 'failing'] as const),
    ...(['away', 'blocked', 'twin', 'rotate'] as const),
  ]),
  /** The name of what it is about. */
  id: z.string(),
  /** Ms; null where it is not known. */
  since: z.number().nullable(),
  /**
   * `incomplete`: objects that failed, how many of them are open, and parked packets; `deletes`: objects that would be deleted (`count`) of so many
   * (`open`); `parked`: packets; `conflicts`: objects; `rotate`: agents.
   */
  failed: figure,
  open: figure,
  count: figure,
  /** Why, in a sentence of the control plane, an agent or a store; empty where there is none. */
  message: z.string(),
})
export type Attention = z.infer<typeof attentionSchema>

export const runningSchema = z.object({
  id: z.string(),
  /** Objects that are settled, of those that are known of so far. */
  done: figure,
  all: figure,
  /** Nobody knows yet how many there are. */
  surveying: z.boolean(),
  paused: z.boolean(),
  /** A second, by all agents together; null where the caller may not see agents. */
  objects: figure.nullable(),
  bytes: figure.nullable(),
})
export type Running = z.infer<typeof runningSchema>

export const readOverview = route({
  method: 'GET',
  path: '/api/workspaces/:workspace/overview',
  needs: 'migrations:read',
  summary:
    'Read what needs somebody (the most pressing first), which passes run, and how much there is of what, as far as the caller may see it.',
  answer: z.object({
    /** At most 50. */
    attention: z.array(attentionSchema),
    /** At most 50, the newest first. */
    running: z.array(runningSchema),
    /** By the state of their last pass; `new`: there is none yet. */
    migrations: z.object({
      new: figure,
      running: figure,
      complete: figure,
      incomplete: figure,
      cancelled: figure,
    }),
    /** That are not revoked; null where the caller may not see them. */
    agents: z.object({ connected: figure, all: figure, objects: figure, bytes: figure }).nullable(),
    /** Null where the caller may not see them. */
    connections: figure.nullable(),
    /** The last five that were made; `at`: when the last pass ended, or began where it runs (ms); null before the first. */
    latest: z.array(
      z.object({
        id: z.string(),
        state: z.enum(['new', 'running', 'complete', 'incomplete', 'cancelled']),
        at: figure.nullable(),
      }),
    ),
  }),
})
