import { expect, it } from 'vitest'
import { problemSchema } from '../../../shared/api/migrations.ts'
import { incomplete } from '../../access/complete.ts'
import { call } from './inside.ts'

/** What the rows say is held by `npm run test:access`. */
it('has a row for every route and every message in test/access', () => expect(incomplete()).toEqual([]))

it('says that a path is unknown, as a problem', async () => {
  const response = await call('GET', '/api/nothing')
  expect(response.status).toBe(404)
  expect(problemSchema.parse(await response.json())).toMatchObject({
    code: 'not-found',
    detail: 'there is no /api/nothing',
  })
})
