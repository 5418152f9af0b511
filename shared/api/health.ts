import * as z from 'zod'
import { route } from './route.ts'

export const readHealth = route({
  method: 'GET',
  path: '/api/health',
  needs: 'anybody',
  summary: 'Is the control plane there?',
  answer: z.object({ ok: z.literal(true) }),
})

export const readOpenApi = route({
  method: 'GET',
  path: '/api/openapi.json',
  needs: 'anybody',
  summary: 'This document.',
  type: 'application/json',
})
