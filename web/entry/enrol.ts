/** What everybody needs beside a password: a passkey, or codes of an authenticator. */
import * as z from 'zod'
import { anything, ask } from './ask.ts'
import { action, button, element, field, form, show, trouble } from './dom.ts'
import { canPasskeys, makePasskey } from './passkey.ts'

const enabledSchema = z.object({ totpURI: z.string(), backupCodes: z.array(z.string()) })

/** For somebody who has a password, which is asked for where it is not known. */
export async function enrolCodes(password: string, done: () => void): Promise<void> {
  const { totpURI, backupCodes } = await ask('POST', '/two-factor/enable', enabledSchema, { password })
  const secret = new URL(totpURI).searchParams.get('secret') ?? ''
  const said = trouble()
  show(
    'Your authenticator',
    element(
      'p',
      {},
      'Add Dray to an authenticator app: ',
      element('a', { href: totpURI }, 'open it on this device'),
      ', or type this key into it.',
    ),
    element('p', { className: 'secret' }, (secret.match(/.{1,4}/g) ?? []).join(' ')),
    element(
      'p',
      {},
      'Keep these backup codes where you keep such things. Each works once, in place of a code:',
    ),
    element('ul', { className: 'secret codes' }, ...backupCodes.map((code) => element('li', {}, code))),
    form(
      said,
      async ({ code }) => {
        await ask('POST', '/two-factor/verify-totp', anything, { code: code?.replace(/\s/g, '') })
        done()
      },
      field('The code that it shows now', {
        name: 'code',
        inputMode: 'numeric',
        autocomplete: 'one-time-code',
        pattern: '[0-9 ]{6,7}',
      }),
      element('button', { type: 'submit' }, 'Done'),
      said,
    ),
  )
}

/** For somebody whose session opens nothing else yet. */
export function enrol(done: () => void): void {
  const said = trouble()
  const asks = form(
    said,
    ({ password }) => enrolCodes(password ?? '', done),
    field('Your password', { name: 'password', type: 'password', autocomplete: 'current-password' }),
    element('button', { type: 'submit' }, 'Set up an authenticator'),
  )
  const passkey = button(
    'Set up a passkey',
    action(said, async () => {
      await makePasskey()
      done()
    }),
    'first',
  )
  show(
    'One more thing',
    element(
      'p',
      {},
      'A password alone opens nothing here. Set up a passkey, or an authenticator beside the password.',
    ),
    ...(canPasskeys() ? [passkey] : []),
    asks,
    said,
  )
}
