/** `/invitation#ID.SECRET`: tells what it is to, lets newcomers in, and makes whom it is for a member. */
import { acceptInvitation, enterByInvitation, lookAtInvitation, readEntry } from '../../shared/api/entry.ts'
import { type Me, readMe } from '../../shared/api/me.ts'
import { call, Refused } from '../api.ts'
import { action, button, element, show, trouble } from './dom.ts'
import { enrol } from './enrol.ts'
import { fromFragment } from './fragment.ts'
import { welcome } from './newcomer.ts'
import { single } from './sign-in.ts'
import { entryTexts } from './texts.ts'

const { invitation: texts } = entryTexts

export async function invitationPage(): Promise<void> {
  const [invitation = '', secret = ''] = (fromFragment('invitation') ?? '').split('.')
  const params = { invitation }
  const [to, me, entry] = await Promise.all([
    call(lookAtInvitation, { params, body: { secret } }),
    whoIsIt(),
    call(readEntry, { params: {} }),
  ])
  const what = texts.says(to.inviter, to.email, to.workspace.name, to.role)
  const accept = async () => {
    await call(acceptInvitation, { params, body: { secret } })
    sessionStorage.removeItem('invitation')
    location.assign('/')
  }
  const said = trouble()
  const acceptPage = () =>
    show(texts.title, element('p', {}, what), button(texts.accept, action(said, accept), 'first'), said)

  if (me?.email === to.email) return me.mustEnrol ? enrol(acceptPage) : acceptPage()
  if (to.known) {
    const signIn = element('a', { href: '/sign-in?next=/invitation' }, texts.signIn(to.email))
    show(texts.title, element('p', {}, what), element('p', {}, signIn))
    return
  }
  welcome({
    title: texts.title,
    text: what,
    asksEmail: false,
    enter: async ({ name, password }) => {
      await call(enterByInvitation, { params, body: { secret, name, password } })
    },
    done: action(said, accept),
    besides: entry.oidc === null ? [said] : [single(entry.oidc, '/invitation', said), said],
  })
}

export async function whoIsIt(): Promise<Me | null> {
  try {
    return await call(readMe, { params: {} })
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null
    throw error
  }
}
