import { env } from 'cloudflare:test'
import { beforeAll, expect, it } from 'vitest'
import { People } from '../../../control-plane/access/people.ts'
import { prepare } from './inside.ts'

beforeAll(prepare)

it('a session is listed and ended however long ago somebody signed in, and by nobody else', async () => {
  const now = Date.now()
  const dayAgo = now - 86_400_000
  const person = (id: string) =>
    env.DB.prepare(
      'INSERT INTO people (id, name, email, email_verified, created_at, updated_at) VALUES (?, ?, ?, 1, ?, ?)',
    ).bind(id, id, `${id}@example.com`, dayAgo, dayAgo)
  const session = env.DB.prepare(
    'INSERT INTO sessions (id, user_id, token, method, expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ).bind('old', 'ada', 'opens-nothing', 'passkey', now + 86_400_000, dayAgo, dayAgo)
  await env.DB.batch([person('ada'), person('eve'), session])
  const people = new People(env.DB)
  expect(await people.sessionsOf('ada', now)).toMatchObject([{ id: 'old', method: 'passkey' }])
  expect(await people.endSession('old', 'eve')).toBe(false)
  expect(await people.endSession('old', 'ada')).toBe(true)
  expect(await people.sessionsOf('ada', now)).toEqual([])
})
