/** Changes that are told of, so that a migration that follows need not wait for its next pass to find them. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { route } from './route.ts'

const one = '/api/workspaces/:workspace/migrations/:migration' as const

export const tellChanges = route({
  method: 'POST',
  path: `${one}/changes`,
  needs: 'migrations:run',
  summary:
    'Tell of changed objects: an S3 notification as AWS (SNS and EventBridge too), MinIO, Ceph or R2 post it, or `{"keys": ["…"]}` with whole keys of the bucket. Answered once it is stored. With `side=destination`, of the destination’s.',
  params: z.object({ migration: idSchema }),
  query: z.object({ side: z.enum(['source', 'destination']).default('source') }),
  body: z.unknown(),
  maxBody: 1024 * 1024,
  often: true,
  answer: z.object({
    /** Of the keys that were told: how many are looked at, how many are none of this migration’s, or of a side that nobody follows now. */
    taken: z.number(),
    ignored: z.number(),
    /** Of a notification that asked whether it is wanted (SNS): the topic, which from now on sends them. */
    subscribed: z.string().optional(),
  }),
  status: 202,
})
