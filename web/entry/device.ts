/** `/device?user_code=…`: where whoever is signed in says yes or no to `dray login`. */
import * as z from 'zod'
import { anything, ask } from './ask.ts'
import { action, button, element, field, form, show, trouble } from './dom.ts'
import { enrol } from './enrol.ts'
import { whoIsIt } from './invitation.ts'

const statusSchema = z.object({ status: z.string() })

export async function devicePage(): Promise<void> {
  const me = await whoIsIt()
  if (me?.kind !== 'person') {
    location.assign(`/sign-in?next=${encodeURIComponent(`${location.pathname}${location.search}`)}`)
    return
  }
  if (me.mustEnrol) {
    enrol(() => location.reload())
    return
  }
  const said = trouble()
  show(
    'Sign in the command line',
    element(
      'p',
      {},
      'Compare the code with the one that dray login shows. Whoever has it will be you, on their machine.',
    ),
    form(
      said,
      async ({ code = '' }) => confirm(code.replace(/[\s-]/g, '').toUpperCase(), `${me.name} (${me.email})`),
      field('Code', {
        name: 'code',
        value: grouped(new URLSearchParams(location.search).get('user_code') ?? ''),
        autocomplete: 'off',
      }),
      element('button', { type: 'submit' }, 'Continue'),
    ),
    said,
  )
}

async function confirm(userCode: string, name: string): Promise<void> {
  const { status } = await ask('GET', `/device?user_code=${encodeURIComponent(userCode)}`, statusSchema)
  if (status !== 'pending') throw new Error(`This code was ${status} before. Run dray login again.`)
  const said = trouble()
  const answer = (what: 'approve' | 'deny', end: string) =>
    action(said, async () => {
      await ask('POST', `/device/${what}`, anything, { userCode })
      show('Sign in the command line', element('p', { role: 'status' }, end))
    })
  show(
    'Sign in the command line',
    element(
      'p',
      {},
      `Did you run dray login yourself, and does it show ${grouped(userCode)}? Then it goes on as ${name}.`,
    ),
    button(
      'Yes, sign it in',
      answer('approve', 'Done: the command line goes on. You can close this page.'),
      'first',
    ),
    button('No', answer('deny', 'Refused. Nobody was signed in.'), 'quiet'),
    said,
  )
}

const grouped = (code: string) => code.replace(/^(.{4})(.{4})$/, '$1-$2')
