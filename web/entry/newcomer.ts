/** The form of somebody who comes here for the first time, by a set-up link or an invitation: a name, and a way to sign in from now on. */
import { action, button, element, field, form, show, trouble } from './dom.ts'
import { enrolCodes } from './enrol.ts'
import { canPasskeys, makePasskey } from './passkey.ts'
import { entryTexts } from './texts.ts'

const { newcomer: texts } = entryTexts

export interface Newcomer {
  name: string
  /** Null where it is given already. */
  email: string | null
  /** Null with a passkey. */
  password: string | null
}

export interface Welcome {
  readonly title: string
  readonly text: string
  readonly asksEmail: boolean
  /** Makes the person, who then has a session that opens nothing but enrolment. */
  enter(newcomer: Newcomer): Promise<void>
  done(): void
  /** Other ways in. */
  readonly besides?: readonly Node[]
}

export function welcome(
  { title, text, asksEmail, enter, done, besides = [] }: Welcome,
  byPassword = !canPasskeys(),
  kept: Record<string, string> = {},
): void {
  const said = trouble()
  const submit = async (values: Record<string, string>) => {
    const { name = '', email = null, password = null } = values
    await enter({ name, email, password })
    if (password !== null) return enrolCodes(password, done)
    await makePasskey()
    done()
  }
  const made = form(
    said,
    submit,
    field(texts.name, { name: 'name', autocomplete: 'name', maxLength: 100, value: kept.name ?? '' }),
    ...(asksEmail
      ? [
          field(entryTexts.email, {
            name: 'email',
            type: 'email',
            autocomplete: 'username',
            value: kept.email ?? '',
          }),
        ]
      : []),
    ...(byPassword
      ? [
          field(texts.password, {
            name: 'password',
            type: 'password',
            minLength: 12,
            maxLength: 256,
            autocomplete: 'new-password',
          }),
        ]
      : []),
    element('button', { type: 'submit' }, byPassword ? texts.byPassword : texts.byPasskey),
  )
  const other = () => {
    const values = Object.fromEntries([...new FormData(made)].map(([name, value]) => [name, String(value)]))
    welcome({ title, text, asksEmail, enter, done, besides }, !byPassword, values)
  }
  const note = canPasskeys()
    ? button(
        byPassword ? texts.usePasskey : texts.usePassword,
        action(said, async () => other()),
        'quiet',
      )
    : element('p', { className: 'quiet' }, texts.noPasskeys)
  show(title, element('p', {}, text), made, said, note, ...besides)
}
