/** Asks what becomes of what is at work, and pauses a pass. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { pausePass } from '../../../shared/api/passes.ts'
import { call } from '../../api.ts'
import { announce } from '../announce.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { InFlight } from '../parts/in-flight.tsx'
import { migrationTexts } from '../texts/migration.ts'

const says = migrationTexts.pause

export function Pause(props: {
  workspace: string
  migration: string
  pass: PassStatus
  open: boolean
  close(): void
}) {
  const { workspace, migration, pass } = props
  const client = useQueryClient()
  const [inFlight, choose] = useState<'finish' | 'stop'>('finish')
  return (
    <Confirm
      open={props.open}
      close={props.close}
      title={says.title(pass.number)}
      deed={says.deed}
      fields={<InFlight value={inFlight} change={choose} />}
      run={async () => {
        await call(pausePass, { params: { workspace, migration, pass: pass.number }, body: { inFlight } })
        announce(says.done)
        await client.invalidateQueries({ queryKey: [workspace, 'migrations'] })
      }}
    >
      <p>{says.says}</p>
    </Confirm>
  )
}
