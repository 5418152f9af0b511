/** What everybody needs beside a password: a passkey, or codes of an authenticator. */
import * as z from 'zod'
import { anything, ask } from './ask.ts'
import { action, button, element, field, form, show, trouble } from './dom.ts'
import { canPasskeys, makePasskey } from './passkey.ts'
import { entryTexts } from './texts.ts'

const enabledSchema = z.object({ totpURI: z.string(), backupCodes: z.array(z.string()) })

/** For somebody who has a password, which is asked for where it is not known. */
export async function enrolCodes(password: string, done: () => void): Promise<void> {
  const { totpURI, backupCodes } = await ask('POST', '/two-factor/enable', enabledSchema, { password })
  const secret = new URL(totpURI).searchParams.get('secret') ?? ''
  const texts = entryTexts.authenticator
  const [before, link, after] = texts.app
  const said = trouble()
  show(
    texts.title,
    element('p', {}, before, element('a', { href: totpURI }, link), after),
    element('p', { className: 'secret' }, (secret.match(/.{1,4}/g) ?? []).join(' ')),
    element('p', {}, texts.backup),
    element('ul', { className: 'secret codes' }, ...backupCodes.map((code) => element('li', {}, code))),
    form(
      said,
      async ({ code }) => {
        await ask('POST', '/two-factor/verify-totp', anything, { code: code?.replace(/\s/g, '') })
        done()
      },
      field(texts.code, {
        name: 'code',
        inputMode: 'numeric',
        autocomplete: 'one-time-code',
        pattern: '[0-9 ]{6,7}',
      }),
      element('button', { type: 'submit' }, texts.deed),
      said,
    ),
  )
}

/** For somebody whose session opens nothing else yet. */
export function enrol(done: () => void): void {
  const texts = entryTexts.enrol
  const said = trouble()
  const asks = form(
    said,
    ({ password }) => enrolCodes(password ?? '', done),
    field(texts.password, { name: 'password', type: 'password', autocomplete: 'current-password' }),
    element('button', { type: 'submit' }, texts.authenticator),
  )
  const passkey = button(
    texts.passkey,
    action(said, async () => {
      await makePasskey()
      done()
    }),
    'first',
  )
  show(texts.title, element('p', {}, texts.says), ...(canPasskeys() ? [passkey] : []), asks, said)
}
