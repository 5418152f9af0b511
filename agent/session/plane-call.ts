/** What an agent asks its control plane besides its sockets: by the route's contract, and signed. */

import { problemSchema } from '../../shared/api/migrations.ts'
import { type Answer, addressOf, type Input, type Route } from '../../shared/api/route.ts'
import { DrayError } from '../../shared/error.ts'
import { timeHeader } from '../../shared/identity/signature.ts'
import { sha256 } from '../../shared/octets.ts'
import type { Signer } from '../identity/signer.ts'

/** `signer`: null where nobody needs to know who asks. Throws a `DrayError`. */
export async function planeCall<R extends Route>(
  base: URL,
  signer: Signer | null,
  contract: R,
  input: Omit<Input<R>, 'params'> & Partial<Pick<Input<R>, 'params'>>,
  signal?: AbortSignal,
): Promise<Answer<R>> {
  const { method } = contract
  const url = new URL(addressOf(contract, { params: {}, ...input } as never), base)
  const body = input.body === undefined ? null : JSON.stringify(input.body)
  for (let attempt = 1; ; attempt++) {
    let response: Response
    try {
      const proof = signer ? await signer.headers(method, url, body === null ? '' : await sha256(body)) : {}
      response = await fetch(url, {
        method,
        headers: { ...proof, ...(body !== null && { 'content-type': 'application/json' }) },
        body,
        signal: signal ?? null,
      })
    } catch (cause) {
      throw new DrayError(
        'unreachable',
        `${method} ${url.pathname}`,
        `the control plane at ${base.href} does not answer`,
        {
          retry: 'later',
          hint: 'Check the address, and that it is up.',
          cause,
        },
      )
    }
    const text = await response.text()
    if (response.ok)
      return (contract.answer ? contract.answer.parse(JSON.parse(text)) : undefined) as Answer<R>
    if (signer?.hear(response.headers.get(timeHeader)) && attempt === 1) continue
    throw refusal(`${method} ${url.pathname}`, response.status, text)
  }
}

function refusal(op: string, status: number, text: string): DrayError {
  const retry = status >= 500 || status === 429 ? 'later' : 'never'
  try {
    const { code, detail, hint } = problemSchema.parse(JSON.parse(text))
    return new DrayError(code, op, detail, { retry, hint })
  } catch {
    return new DrayError('protocol', op, `the control plane answered ${status}`, { retry })
  }
}
