/** Doing something, and then asking again for what it changed. */
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { announce } from './announce.tsx'

/**
 * `stale`: what is asked for again, whether it was done or refused; nothing that begins otherwise. `says`: what is announced once it is done.
 */
export function useChange<In = void, Out = unknown>(how: {
  run(input: In): Promise<Out>
  stale: QueryKey
  says?(out: Out, input: In): string
  done?(out: Out, input: In): void
}) {
  const client = useQueryClient()
  return useMutation<Out, Error, In>({
    mutationFn: how.run,
    onSuccess(out, input) {
      if (how.says) announce(how.says(out, input))
      how.done?.(out, input)
    },
    onSettled: () => client.invalidateQueries({ queryKey: how.stale }),
  })
}
