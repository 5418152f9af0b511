/** The certificates of a migration: what each says in words, to take away, and how anybody can check it. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { issueCertificate } from '../../../shared/api/certificates.ts'
import { call } from '../../api.ts'
import { Certificate } from '../certificates/certificate.tsx'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Empty } from '../parts/empty.tsx'
import { Notice, Refusal } from '../parts/notice.tsx'
import { Shown } from '../parts/shown.tsx'
import { certificates } from '../queries/life.ts'
import { passes } from '../queries/passes.ts'
import { certificateTexts as texts } from '../texts/certificates.ts'

export function Certificates() {
  const { workspace, migration } = useParams({ from: '/w/$workspace/migrations/$migration' })
  const asked = useQuery(certificates(workspace, migration))
  return (
    <>
      <h2>{texts.title}</h2>
      <Shown of={asked} what={texts.what}>
        {({ certificates }) => (
          <>
            <Issue {...{ workspace, migration }} issued={certificates.map(({ pass }) => pass)} />
            {certificates.length === 0 && <Empty says={texts.none} />}
            {certificates.map((statement) => (
              <Certificate key={statement.pass} of={statement} />
            ))}
          </>
        )}
      </Shown>
    </>
  )
}

/** The latest verification that can be certified and is not. */
function Issue(props: { workspace: string; migration: string; issued: readonly number[] }) {
  const { workspace, migration, issued } = props
  const may = useMay(workspace, 'migrations:run')
  const { data } = useInfiniteQuery(passes(workspace, migration))
  const issue = useChange({
    run: (pass: number) => call(issueCertificate, { params: { workspace, migration, pass } }),
    stale: [workspace, 'migrations', migration],
    says: ({ pass }) => texts.issued(pass),
  })
  const pass = data?.pages
    .flatMap(({ passes }) => passes)
    .find(
      ({ options, state, retries }) =>
        options.kind === 'verify' && state === 'complete' && retries === undefined,
    )
  if (!pass || issued.includes(pass.number)) return <Refusal of={issue.error} />
  return (
    <>
      <Refusal of={issue.error} />
      <Notice
        kind="note"
        actions={
          <button
            type="button"
            disabled={!may || issue.isPending}
            title={may ? undefined : texts.mayNot}
            onClick={() => issue.mutate(pass.number)}
          >
            {texts.issue(pass.number)}
          </button>
        }
      >
        <p>{texts.can(pass.number)}</p>
      </Notice>
    </>
  )
}
