/** `/setup#TOKEN`: makes the first owner. */
import { readEntry, setUp } from '../../shared/api/entry.ts'
import { call } from '../api.ts'
import { element, show } from './dom.ts'
import { fromFragment } from './fragment.ts'
import { welcome } from './newcomer.ts'
import { entryTexts } from './texts.ts'

export async function setUpPage(): Promise<void> {
  const token = fromFragment('setup')
  const { setup } = await call(readEntry, { params: {} })
  if (!setup || !token) {
    show(
      entryTexts.setUp.not.title,
      element('p', {}, setup ? entryTexts.setUp.not.noToken : entryTexts.setUp.not.done),
      element('p', {}, element('a', { href: '/sign-in' }, entryTexts.setUp.not.signIn)),
    )
    return
  }
  welcome({
    title: entryTexts.setUp.title,
    text: entryTexts.setUp.says,
    asksEmail: true,
    enter: async ({ name, email, password }) => {
      await call(setUp, { params: {}, body: { token, name, email: email ?? '', password } })
    },
    done: () => {
      sessionStorage.removeItem('setup')
      location.assign('/')
    },
  })
}
