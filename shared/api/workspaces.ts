/** Workspaces: the tenants. Everything else is in one. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { myWorkspaceSchema } from './me.ts'
import { revisionSchema, route } from './route.ts'

const nameSchema = z.string().trim().min(1).max(100)

export const workspaceSchema = z.object({
  id: idSchema,
  name: z.string(),
  revision: revisionSchema,
  createdAt: z.number(),
})
export type WorkspaceView = z.infer<typeof workspaceSchema>

export const listWorkspaces = route({
  method: 'GET',
  path: '/api/workspaces',
  needs: 'caller',
  summary: 'Lists the workspaces of whoever asks, by id.',
  answer: z.object({ workspaces: z.array(myWorkspaceSchema), cursor: z.null() }),
})

export const createWorkspace = route({
  method: 'POST',
  path: '/api/workspaces',
  needs: 'person',
  summary: 'Makes a workspace, whose owner is whoever asks.',
  body: z.strictObject({ id: idSchema, name: nameSchema }),
  answer: workspaceSchema,
  status: 201,
})

export const readWorkspace = route({
  method: 'GET',
  path: '/api/workspaces/:workspace',
  needs: 'workspace:read',
  summary: 'Shows a workspace.',
  answer: workspaceSchema,
})

export const renameWorkspace = route({
  method: 'PATCH',
  path: '/api/workspaces/:workspace',
  needs: 'workspace:write',
  summary: 'Gives a workspace another name; its id stays.',
  body: z.strictObject({ name: nameSchema }),
  answer: workspaceSchema,
})
