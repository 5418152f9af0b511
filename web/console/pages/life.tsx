/** The life of a migration: the checklist of a cut-over as it is walked with the operator, how changes are heard of, and how it came here. */
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { Checklist } from '../life/checklist.tsx'
import { History } from '../life/history.tsx'
import { Told } from '../life/told.tsx'
import { Shown } from '../parts/shown.tsx'
import { life } from '../queries/life.ts'
import * as queries from '../queries/migrations.ts'
import { lifeTexts as says } from '../texts/life.ts'

export function Life() {
  const { workspace, migration: id } = useParams({ from: '/w/$workspace/migrations/$migration' })
  const migration = useQuery(queries.migration(workspace, id)).data
  const asked = useQuery(life(workspace, id))
  if (!migration) return null
  return (
    <Shown of={asked} what={says.what}>
      {(life) => (
        <>
          <Checklist {...{ workspace, migration, life }} />
          <Told {...{ workspace, life }} migration={id} />
          <History of={life.history} />
        </>
      )}
    </Shown>
  )
}
