/** Passkeys: what the browser's own API makes of the options that the control plane gives, and back. */
import * as z from 'zod'
import { anything, ask } from './ask.ts'
import { entryTexts } from './texts.ts'

/** A passkey belongs to a name; browsers make none for an address of digits, nor without TLS, but on localhost. */
export const canPasskeys = (): boolean =>
  isSecureContext && 'PublicKeyCredential' in window && !/^[\d.]+$|^\[/.test(location.hostname)

const optionsSchema = z.looseObject({ challenge: z.string() })

/** For whoever is signed in, or on the way in. */
export async function makePasskey(): Promise<void> {
  const options = await ask('GET', '/passkey/generate-register-options', optionsSchema)
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as never)
  const made = await orCancelled(navigator.credentials.create({ publicKey }))
  await ask('POST', '/passkey/verify-registration', anything, { response: made })
}

export async function usePasskey(): Promise<void> {
  const options = await ask('GET', '/passkey/generate-authenticate-options', optionsSchema)
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({
    ...options,
    userVerification: 'required',
  } as never)
  const used = await orCancelled(navigator.credentials.get({ publicKey }))
  await ask('POST', '/passkey/verify-authentication', anything, { response: used })
}

async function orCancelled(asked: Promise<Credential | null>): Promise<unknown> {
  const credential = await asked.catch((error: Error) => {
    throw new Error(error.name === 'NotAllowedError' ? entryTexts.passkey.notUsed : error.message)
  })
  if (!credential) throw new Error(entryTexts.passkey.none)
  return (credential as PublicKeyCredential).toJSON()
}
