/** `/sign-in?next=/…`: by passkey, by password and a code, by single sign-on. */
import * as z from 'zod'
import { readEntry } from '../../shared/api/entry.ts'
import { readMe } from '../../shared/api/me.ts'
import { call } from '../api.ts'
import { anything, ask } from './ask.ts'
import { action, button, element, field, form, show, trouble } from './dom.ts'
import { enrol } from './enrol.ts'
import { canPasskeys, usePasskey } from './passkey.ts'

/** A path of ours, and no address of anybody else's. */
export function nextPath(): string {
  const next = new URL(new URLSearchParams(location.search).get('next') ?? '/', location.origin)
  // `/.//elsewhere.example` is a path here, and what it comes to is an address elsewhere.
  return next.origin === location.origin ? `${next.pathname}${next.search}`.replace(/^\/+/, '/') : '/'
}

const signedInSchema = z.looseObject({ twoFactorRedirect: z.boolean().optional() })

export async function signInPage(): Promise<void> {
  const { oidc, setup } = await call(readEntry, { params: {} })
  const said = trouble()
  const go = () => location.assign(nextPath())
  const passkey = button(
    'Sign in with a passkey',
    action(said, async () => {
      await usePasskey()
      go()
    }),
    'first',
  )
  said.textContent = whyNot(new URLSearchParams(location.search).get('error'))
  show(
    'Sign in',
    ...(setup
      ? [
          element(
            'p',
            {},
            'Nobody is here yet: open the set-up link that “dray up” or the deployment printed.',
          ),
        ]
      : []),
    ...(canPasskeys() ? [passkey] : []),
    ...(oidc === null ? [] : [single(oidc, nextPath(), said)]),
    form(
      said,
      async ({ email, password }) => {
        const answer = await ask('POST', '/sign-in/email', signedInSchema, { email, password })
        if (answer.twoFactorRedirect) codePage(go)
        else await afterPassword(go)
      },
      field('E-mail', { name: 'email', type: 'email', autocomplete: 'username webauthn' }),
      field('Password', { name: 'password', type: 'password', autocomplete: 'current-password' }),
      element('button', { type: 'submit' }, 'Sign in'),
    ),
    said,
    ...(canPasskeys()
      ? []
      : [element('p', { className: 'quiet' }, 'Passkeys need an address with a name, and https.')]),
  )
}

/** With a password alone nothing is open but this. */
export async function afterPassword(go: () => void): Promise<void> {
  const { mustEnrol } = await call(readMe, { params: {} })
  if (mustEnrol) enrol(go)
  else go()
}

function codePage(go: () => void): void {
  const said = trouble()
  show(
    'Your code',
    form(
      said,
      async ({ code = '' }) => {
        const given = code.replace(/\s/g, '')
        const isCode = /^\d{6}$/.test(given)
        await ask('POST', isCode ? '/two-factor/verify-totp' : '/two-factor/verify-backup-code', anything, {
          code: given,
        })
        go()
      },
      field('From your authenticator, or a backup code', { name: 'code', autocomplete: 'one-time-code' }),
      element('button', { type: 'submit' }, 'Sign in'),
    ),
    said,
  )
}

const startedSchema = z.object({ url: z.url() })

/** To the provider, and back to `path`. */
export function single(name: string, path: string, said: HTMLElement): HTMLButtonElement {
  return button(
    `Continue with ${name}`,
    action(said, async () => {
      const { url } = await ask('POST', '/sign-in/social', startedSchema, {
        provider: 'oidc',
        callbackURL: path,
        errorCallbackURL: `/sign-in?next=${encodeURIComponent(path)}`,
        disableRedirect: true,
      })
      location.assign(url)
    }),
    'first',
  )
}

/** What the provider's answer ended with. */
function whyNot(error: string | null): string {
  if (error === null) return ''
  if (error === 'account_not_linked')
    return 'Somebody of this address signs in here in another way: use that.'
  if (/invited|unable_to_create_user|signup/i.test(error)) return 'Nobody has invited this address.'
  return 'The single sign-on did not work. Try again, or ask whoever runs it.'
}
