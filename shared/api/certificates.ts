/** Certificates: what a verification has found, signed (shared/ledger.ts). */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { statementSchema } from '../ledger.ts'
import { route } from './route.ts'

const one = '/api/workspaces/:workspace/migrations/:migration' as const
const params = z.object({ migration: idSchema })
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const listCertificates = route({
  method: 'GET',
  path: `${one}/certificates`,
  needs: 'migrations:read',
  summary: 'List the certificates of a migration, the newest first; at most 100.',
  params,
  answer: z.object({ certificates: z.array(statementSchema) }),
})

export const issueCertificate = route({
  method: 'POST',
  path: `${one}/passes/:pass/certificate`,
  needs: 'migrations:run',
  summary:
    'Certify a verification that has ended, and in which nothing is open: what failed is either mended or waived, and named. The same again answers with the same.',
  params: params.extend({ pass: number }),
  answer: statementSchema,
  status: 201,
})

export const downloadCertificate = route({
  method: 'GET',
  path: `${one}/passes/:pass/certificate`,
  needs: 'migrations:read',
  summary:
    'Read a certificate as a file, NDJSON: the signed statement, then the leaves of its ledger in the order of keys. `dray verify-certificate` checks it.',
  params: params.extend({ pass: number }),
  type: 'application/x-ndjson; charset=utf-8',
})

export const readCertificateKey = route({
  method: 'GET',
  path: '/api/certificate-key',
  needs: 'anybody',
  summary:
    'Read the public key that this control plane signs certificates with: Ed25519, 32 bytes in base64url.',
  answer: z.object({ key: z.string() }),
})
