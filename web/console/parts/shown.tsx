/** What a page shows of what it asked for: loading, forbidden, failed, stale, or the thing itself. */
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Refused } from '../../api.ts'
import { when } from '../format.ts'
import { texts } from '../texts.ts'

interface Asked<T>
  extends Pick<UseQueryResult<T>, 'data' | 'error' | 'isPending' | 'dataUpdatedAt' | 'refetch'> {}

export function Shown<T>(props: { of: Asked<T>; what: string; children: (data: T) => ReactNode }) {
  const { data, error, dataUpdatedAt, refetch } = props.of
  if (data !== undefined) {
    return (
      <>
        {error && (
          <div className="banner" role="status">
            <p>{texts.stale(when(dataUpdatedAt))}</p>
          </div>
        )}
        {props.children(data)}
      </>
    )
  }
  if (!error) {
    return (
      <p className="quiet" role="status">
        {texts.loading}
      </p>
    )
  }
  const { status, hint } = error instanceof Refused ? error : { status: 0, hint: null }
  return (
    <div className="banner bad" role="alert">
      <p>{status === 403 ? texts.forbidden(props.what) : status === 404 ? texts.notFound : texts.failed}</p>
      {status !== 403 && <p className="quiet">{`${error.message}${hint ? `. ${hint}` : ''}`}</p>}
      {status !== 403 && status !== 404 && (
        <p>
          <button type="button" onClick={() => void refetch()}>
            {texts.again}
          </button>
        </p>
      )}
    </div>
  )
}
