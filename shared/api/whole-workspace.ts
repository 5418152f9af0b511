/** A workspace as a whole: taken along, or deleted. */
import * as z from 'zod'
import { route } from './route.ts'

/**
 * One JSON object a line, with its `kind`: what operators configured, what migrations came to, the audit log. Secrets are left out, in every
 * form: no hashes of tokens, no webhook's address or key, and no sealed copies, which nobody but the agents that they are sealed to can
 * open. So are reports, which are read for each pass, and what a running pass is at.
 */
export const exportWorkspace = route({
  method: 'GET',
  path: '/api/workspaces/:workspace/export',
  needs: 'workspace:write',
  summary:
    'Exports all of a workspace but its secrets: one JSON object a line. The last one is of kind `end`.',
  type: 'application/x-ndjson; charset=utf-8',
})

export const deletionSchema = z.object({
  /** Else there is more to delete than one request may take: ask again. */
  deleted: z.boolean(),
  /** Migrations that are still there. */
  left: z.number().int().nonnegative(),
})

export const deleteWorkspace = route({
  method: 'DELETE',
  path: '/api/workspaces/:workspace',
  needs: 'workspace:delete',
  summary:
    'Deletes a workspace and all that is in it, for good: running passes are cancelled, agents sent away. Ask until the answer says `deleted`; one that was interrupted goes on.',
  body: z.strictObject({
    /** The workspace’s name, once more: so that nobody deletes another one by mistake. */
    name: z.string(),
  }),
  answer: deletionSchema,
})
