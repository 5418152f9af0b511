import { DrayError, toDrayError } from '../../shared/error.ts'
import { formatLocation, type Location } from '../../shared/location.ts'

/** Says which side could not be listed, in one sentence, and keeps what the storage knew about the cause. */
export function explain(side: string, location: Location, thrown: unknown): DrayError {
  const error = toDrayError(thrown, 'look')
  if (error.code === 'interrupted' || error.code === 'internal') return error
  return new DrayError(
    error.code,
    error.op,
    `${side} ${formatLocation(location)} cannot be listed: ${error.message}`,
    {
      hint: error.hint,
      cause: error,
    },
  )
}
