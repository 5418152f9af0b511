/**
 * What an endpoint may be used for, by all agents of all migrations together: bytes a second (both directions together),
 * requests a second, requests at once; null where there is no such bound. Windows in the endpoint's own time zone override
 * values while they last; of several that are open at once, the later one in the list has the last word on each value.
 *
 * An endpoint is an origin (`https://s3.example.com`, `http://10.0.0.5:9000`), AWS by the host of a region
 * (`https://s3.eu-central-1.amazonaws.com`), or the directories of a site (`file:paris`).
 */
import * as z from 'zod'

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Day = (typeof days)[number]

/** Slower than this a server takes a request for a dead one. Bytes a second. */
export const leastBandwidth = 8_000

const bandwidth = z
  .number()
  .int()
  .min(leastBandwidth, `at least ${leastBandwidth} bytes/s (64 kbit/s)`)
  .max(1e12)
  .nullable()
const requests = z.number().int().min(1, 'at least 1 a second').max(1e6).nullable()
const concurrency = z.number().int().min(1, 'at least 1').max(1e6).nullable()

export interface LimitValues {
  /** Bytes a second, in and out together. */
  readonly bandwidth: number | null
  /** Requests a second. */
  readonly requests: number | null
  /** Requests at once. */
  readonly concurrency: number | null
}

export const unlimited: LimitValues = { bandwidth: null, requests: null, concurrency: null }

/** Minutes since midnight of `HH:MM`; `24:00` is the end of the day. */
export function minutesOf(time: string): number | null {
  const [, hours, minutes] = /^(\d{2}):(\d{2})$/.exec(time) ?? []
  const all = Number(hours) * 60 + Number(minutes)
  return Number(minutes) < 60 && all <= 24 * 60 ? all : null
}

export const timeOfDay = z
  .string()
  .refine((text) => minutesOf(text) !== null, 'a time of day, HH:MM, 00:00 to 24:00')

/**
 * `from` and `to` are what clocks on the wall say there; `to` before `from` means the next day, and the window belongs to the day on
 * which it begins. A value that is not named stays what it is outside; null takes the bound away.
 */
export const limitWindowSchema = z
  .strictObject({
    days: z.array(z.enum(days)).min(1).max(7),
    from: timeOfDay,
    to: timeOfDay,
    bandwidth: bandwidth.optional(),
    requests: requests.optional(),
    concurrency: concurrency.optional(),
  })
  .refine(({ from, to }) => minutesOf(from)! % 1440 !== minutesOf(to)! || minutesOf(to) === 1440, {
    path: ['to'],
    message: 'not the time at which it begins; a whole day is 00:00 to 24:00',
  })
  .refine(({ from }) => from !== '24:00', { path: ['from'], message: 'at 24:00 begins the next day: 00:00' })
  .refine(
    ({ bandwidth, requests, concurrency }) =>
      [bandwidth, requests, concurrency].some((value) => value !== undefined),
    { message: 'a window says what is different in it: bandwidth, requests or concurrency' },
  )
export type LimitWindow = z.infer<typeof limitWindowSchema>

/** Whether this runtime knows the rules of a zone. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export const limitSchema = z
  .strictObject({
    bandwidth: bandwidth.default(null),
    requests: requests.default(null),
    concurrency: concurrency.default(null),
    /** Of the windows: an IANA name. */
    zone: z
      .string()
      .max(64)
      .refine(isZone, 'the IANA name of a time zone, such as Europe/Berlin')
      .default('UTC'),
    windows: z.array(limitWindowSchema).max(50).default([]),
  })
  .refine(
    ({ bandwidth, requests, concurrency, windows }) =>
      windows.length > 0 || [bandwidth, requests, concurrency].some((value) => value !== null),
    { message: 'a limit bounds something: bandwidth, requests or concurrency, always or in a window' },
  )
export type Limit = z.infer<typeof limitSchema>

/**
 * An endpoint by the one name that it has here, or null where that is none: an origin in small letters without a usual port, or
 * `file:SITE`. A host alone is spoken to by https.
 */
export function endpointName(text: string): string | null {
  if (text.startsWith('file:')) return /^file:[^/\s][^/]{0,99}$/.test(text) ? text : null
  const address = text.includes('://') ? text : `https://${text}`
  if (!URL.canParse(address)) return null
  const url = new URL(address)
  const isOrigin = (url.pathname === '/' || url.pathname === '') && !url.search && !url.hash
  if (!isOrigin || url.username || url.password || url.hostname === '' || url.hostname.length > 253)
    return null
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.origin : null
}

export const endpointNameSchema = z
  .string()
  .max(300)
  .transform((text, context) => {
    const name = endpointName(text)
    if (name !== null) return name
    context.addIssue({
      code: 'custom',
      message: 'an address like https://s3.example.com, without a path, or file:SITE',
    })
    return z.NEVER
  })
