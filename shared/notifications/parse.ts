/** Any notification that Dray knows, from whatever store or service, as what it tells of. */
import { eventBridge } from './eventbridge.ts'
import { plainKeys } from './keys.ts'
import type { Notice } from './notice.ts'
import { r2 } from './r2.ts'
import { s3Records } from './s3-records.ts'
import { sns } from './sns.ts'

/** Of a JSON document. Null where it is nothing of the kind. */
export const parseNotification = (body: unknown): Notice | null =>
  inEnvelope(body) ?? sns(body, inEnvelope) ?? plainKeys(body)

/** What another service may hand on. */
const inEnvelope = (body: unknown): Notice | null => s3Records(body) ?? eventBridge(body) ?? r2(body)
