import { useQuery } from '@tanstack/react-query'
import { fingerprint } from '../../../shared/identity/keys.ts'

/** Of public keys, as `dray agent show` and `dray site list` write it. A page over http can compute none: then the keys themselves. */
export function Fingerprint({ of }: { of: readonly string[] }) {
  const { data } = useQuery({
    queryKey: ['fingerprint', ...of],
    queryFn: () => (globalThis.crypto.subtle ? fingerprint(...of) : of.join(' ')),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return <code className="print">{data}</code>
}
