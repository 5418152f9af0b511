/** Why a change was refused: somebody else has changed the same meanwhile, and what is shown is theirs; or in the control plane's words. */
import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { Refused } from '../../api.ts'
import { texts } from '../texts.ts'
import { Notice, Refusal } from './notice.tsx'

/** `stale`: what is asked for again. */
export function Stale({ of: error, stale, close }: { of: Error | null; stale: QueryKey; close(): void }) {
  const client = useQueryClient()
  if (!(error instanceof Refused && error.status === 412)) return <Refusal of={error} />
  return (
    <Notice
      kind="bad"
      actions={
        <button
          type="button"
          onClick={() => {
            void client.invalidateQueries({ queryKey: stale })
            close()
          }}
        >
          {texts.dialog.close}
        </button>
      }
    >
      <p>{texts.dialog.meanwhile}</p>
    </Notice>
  )
}
