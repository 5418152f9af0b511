/** The next page of a list, where there is one. */
import { texts } from '../texts.ts'

export function More({ of }: { of: { hasNextPage: boolean; fetchNextPage(): Promise<unknown> } }) {
  return (
    of.hasNextPage && (
      <button type="button" onClick={() => void of.fetchNextPage()}>
        {texts.more}
      </button>
    )
  )
}
