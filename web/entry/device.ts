/** `/device?user_code=…`: where whoever is signed in says yes or no to `dray login`. */
import * as z from 'zod'
import { anything, ask } from './ask.ts'
import { action, button, element, field, form, show, trouble } from './dom.ts'
import { enrol } from './enrol.ts'
import { whoIsIt } from './invitation.ts'
import { entryTexts } from './texts.ts'

const { device: texts } = entryTexts

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
    texts.title,
    element('p', {}, texts.compare),
    form(
      said,
      async ({ code = '' }) => confirm(code.replace(/[\s-]/g, '').toUpperCase(), `${me.name} (${me.email})`),
      field(texts.code, {
        name: 'code',
        value: grouped(new URLSearchParams(location.search).get('user_code') ?? ''),
        autocomplete: 'off',
      }),
      element('button', { type: 'submit' }, texts.deed),
    ),
    said,
  )
}

async function confirm(userCode: string, name: string): Promise<void> {
  const { status } = await ask('GET', `/device?user_code=${encodeURIComponent(userCode)}`, statusSchema)
  if (status !== 'pending') throw new Error(texts.used(status))
  const said = trouble()
  const answer = (what: 'approve' | 'deny', end: string) =>
    action(said, async () => {
      await ask('POST', `/device/${what}`, anything, { userCode })
      show(texts.title, element('p', { role: 'status' }, end))
    })
  show(
    texts.title,
    element('p', {}, texts.ask(grouped(userCode), name)),
    button(texts.yes, answer('approve', texts.approved), 'first'),
    button(texts.no, answer('deny', texts.denied), 'quiet'),
    said,
  )
}

const grouped = (code: string) => code.replace(/^(.{4})(.{4})$/, '$1-$2')
