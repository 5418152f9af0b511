/** Lets a real agent try what it can do with a connection in a bucket: of any of its sites, or of each. */
import { useMutation } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { browse } from '../../../shared/api/browse.ts'
import { type ConnectionView, testConnection } from '../../../shared/api/connections.ts'
import { call } from '../../api.ts'
import { SelectField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import { connectionPageTexts } from '../texts/connections.ts'
import { Checks } from './checks.tsx'
import { useTested } from './tested.ts'

const texts = connectionPageTexts.test
const any = ''
const each = '*'

export function Test(props: {
  workspace: string
  connection: Pick<ConnectionView, 'id'>
  /** From which it is reached. */
  sites: readonly string[]
}) {
  const { workspace, connection, sites } = props
  const id = connection.id
  const { tested, add } = useTested(workspace, id)
  const [bucket, setBucket] = useState(tested[0]?.bucket ?? '')
  const [prefix, setPrefix] = useState(tested[0]?.prefix ?? '')
  const [site, setSite] = useState(any)
  const list = useId()
  const look = useMutation({
    mutationFn: () => call(browse, { params: { workspace }, body: { connection: id } }),
  })
  const buckets = look.data?.entries.map(({ name }) => name) ?? []
  const test = useMutation({
    mutationFn: async () => {
      const from = site === each ? sites : [site === any ? undefined : site]
      for (const site of from) {
        const body = { bucket, prefix, ...(site !== undefined && { site }) }
        add({
          ...(await call(testConnection, { params: { workspace, connection: id }, body })),
          bucket,
          prefix,
        })
      }
    },
  })
  return (
    <section aria-labelledby="test">
      <h2 id="test">{texts.title}</h2>
      <p className="quiet">{texts.says}</p>
      <form
        className="card testing"
        onSubmit={(event) => {
          event.preventDefault()
          test.mutate()
        }}
      >
        <div className="fields">
          <TextField
            label={texts.bucket}
            required
            maxLength={255}
            autoComplete="off"
            spellCheck={false}
            list={list}
            value={bucket}
            change={setBucket}
          />
          <TextField
            label={texts.prefix}
            hint={texts.prefixHint}
            pattern="|.*/"
            title={texts.prefixHint}
            autoComplete="off"
            spellCheck={false}
            value={prefix}
            change={setPrefix}
          />
          <SelectField
            label={texts.site}
            value={site}
            change={setSite}
            options={[
              [any, texts.any],
              ...sites.map((id) => [id, id] as const),
              ...(sites.length > 1 ? [[each, texts.each] as const] : []),
            ]}
          />
        </div>
        <datalist id={list}>
          {buckets.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        {look.data && (
          <p className="quiet" role="status">
            {texts.listed(buckets.length)}
          </p>
        )}
        <Refusal of={look.error} />
        <Refusal of={test.error} />
        <div className="deeds">
          <button type="button" disabled={look.isPending} onClick={() => look.mutate()}>
            {look.isPending ? texts.listing : texts.buckets}
          </button>
          <button type="submit" className="primary" disabled={test.isPending}>
            {test.isPending ? texts.busy : tested.length > 0 ? texts.again : texts.run}
          </button>
        </div>
      </form>
      <div role="status">
        {tested.map((one) => (
          <Checks key={one.site} tested={one} />
        ))}
      </div>
    </section>
  )
}
