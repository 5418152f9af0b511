/** What both bundles know of sessions and tokens (person.ts, auth.ts). */

/** Of API tokens; random letters follow. */
export const tokenPrefix = 'dray_'

/** A session that began so opens nothing but the enrolment of a second factor or a passkey. */
export const isWeak = (method: string): boolean => method === 'password' || method === 'entry'
