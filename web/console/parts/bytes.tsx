/** An amount of data, as people read it; to the byte for whoever points at it. */
import { bytes, count } from '../format.ts'
import { texts } from '../texts.ts'

/** `rate`: a second. */
export function Bytes({ of, rate = false }: { of: number; rate?: boolean }) {
  const exact = texts.bytes(count(Math.round(of)))
  return (
    <span className="amount" title={rate ? `${exact}/s` : exact}>
      {rate ? `${bytes(of)}/s` : bytes(of)}
    </span>
  )
}
