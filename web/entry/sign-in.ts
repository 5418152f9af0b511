/** `/sign-in?next=/…`: by passkey, by password and a code, by single sign-on. */
import * as z from 'zod'
import { readEntry } from '../../shared/api/entry.ts'
import { readMe } from '../../shared/api/me.ts'
import { call } from '../api.ts'
import { anything, ask } from './ask.ts'
import { action, button, element, field, form, show, trouble } from './dom.ts'
import { enrol } from './enrol.ts'
import { canPasskeys, usePasskey } from './passkey.ts'
import { entryTexts } from './texts.ts'

const { signIn: texts } = entryTexts

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
    texts.passkey,
    action(said, async () => {
      await usePasskey()
      go()
    }),
    'first',
  )
  said.textContent = whyNot(new URLSearchParams(location.search).get('error'))
  show(
    texts.title,
    ...(setup ? [element('p', {}, texts.empty)] : []),
    ...(canPasskeys() ? [passkey] : []),
    ...(oidc === null ? [] : [single(oidc, nextPath(), said)]),
    form(
      said,
      async ({ email, password }) => {
        const answer = await ask('POST', '/sign-in/email', signedInSchema, { email, password })
        if (answer.twoFactorRedirect) codePage(go)
        else await afterPassword(go)
      },
      field(entryTexts.email, { name: 'email', type: 'email', autocomplete: 'username webauthn' }),
      field(texts.password, { name: 'password', type: 'password', autocomplete: 'current-password' }),
      element('button', { type: 'submit' }, texts.deed),
    ),
    said,
    ...(canPasskeys() ? [] : [element('p', { className: 'quiet' }, texts.noPasskeys)]),
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
    entryTexts.code.title,
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
      field(entryTexts.code.field, { name: 'code', autocomplete: 'one-time-code' }),
      element('button', { type: 'submit' }, entryTexts.code.deed),
    ),
    said,
  )
}

const startedSchema = z.object({ url: z.url() })

/** To the provider, and back to `path`. */
export function single(name: string, path: string, said: HTMLElement): HTMLButtonElement {
  return button(
    entryTexts.single.deed(name),
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
  if (error === 'account_not_linked') return entryTexts.single.notLinked
  if (/invited|unable_to_create_user|signup/i.test(error)) return entryTexts.single.notInvited
  return entryTexts.single.failed
}
