/** `/setup#TOKEN`: makes the first owner. */
import { readEntry, setUp } from '../../shared/api/entry.ts'
import { call } from '../api.ts'
import { element, show } from './dom.ts'
import { fromFragment } from './fragment.ts'
import { welcome } from './newcomer.ts'

export async function setUpPage(): Promise<void> {
  const token = fromFragment('setup')
  const { setup } = await call(readEntry, { params: {} })
  if (!setup || !token) {
    show(
      'Set up',
      element(
        'p',
        {},
        setup
          ? 'The link is not whole: its end is missing.'
          : 'This control plane has its first owner already.',
      ),
      element('p', {}, element('a', { href: '/sign-in' }, 'Sign in')),
    )
    return
  }
  welcome({
    title: 'Set up Dray',
    text: 'You are its first owner: you invite the others.',
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
