/** Who may come in: people, and programs by their tokens. */
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { Notice } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Invitations } from '../people/invitations.tsx'
import { Members } from '../people/members.tsx'
import { Own } from '../people/own.tsx'
import { Tokens } from '../people/tokens.tsx'
import { me as whoCalls } from '../queries/me.ts'
import * as queries from '../queries/people.ts'
import { peopleTexts } from '../texts/people.ts'
import { texts as common } from '../texts.ts'

export function People() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { data: me } = useQuery(whoCalls)
  return (
    <Page title={common.nav.people}>
      {me?.kind === 'machine' && <Machine />}
      <Members workspace={workspace} me={me} />
      <Invitations workspace={workspace} me={me} />
      <Tokens workspace={workspace} me={me} />
      {me?.kind === 'person' && <Own />}
    </Page>
  )
}

/** `dray up` on one's own machine: nobody has signed in. */
function Machine() {
  const { data: entry } = useQuery(queries.entry)
  const texts = peopleTexts.machine
  if (!entry) return null
  return (
    <Notice kind="note" actions={!entry.setup && <a href="/sign-in?next=/">{texts.signIn}</a>}>
      <strong>{texts.title}</strong>
      <p>{texts.says}</p>
      <p>{entry.setup ? texts.setUp : texts.isSetUp}</p>
    </Notice>
  )
}
