/** A session's token as cookies and bearers carry it: with a signature, so that who reads the database cannot make one. */
import { serializeSignedCookie } from 'better-call'

export const signed = async (token: string, secret: string): Promise<string> =>
  (await serializeSignedCookie('', token, secret)).replace('=', '')
