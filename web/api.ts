/** The console's only caller of the network. */
import './no-eval.ts'
import * as z from 'zod'
import { type Answer, addressOf, type Input, type Route } from '../shared/api/route.ts'
import { randomText } from '../shared/octets.ts'
import { machineToken } from './machine-token.ts'

const problemSchema = z.object({
  title: z.string(),
  detail: z.string().optional(),
  hint: z.string().nullish(),
})

/** What the control plane refused, in its own words. `status` 0: it did not answer. */
export class Refused extends Error {
  readonly status: number
  readonly hint: string | null
  constructor(status: number, message: string, hint: string | null = null) {
    super(message)
    this.status = status
    this.hint = hint
  }
}

/** Asks what the contract says. Throws `Refused`. */
export async function call<R extends Route>(
  contract: R,
  input: Input<R>,
  how: { signal?: AbortSignal; ifMatch?: number } = {},
): Promise<Answer<R>> {
  const response = await send(contract, input, how)
  if (!response.ok) throw await refusalOf(response)
  return (contract.answer ? contract.answer.parse(await response.json()) : undefined) as Answer<R>
}

/** What is answered where it is no JSON, whole. Throws `Refused`. */
export async function fetchFile<R extends Route>(contract: R, input: Input<R>): Promise<Blob> {
  const response = await send(contract, input, {})
  if (!response.ok) throw await refusalOf(response)
  return response.blob()
}

async function send<R extends Route>(
  contract: R,
  input: Input<R>,
  { signal, ifMatch }: { signal?: AbortSignal; ifMatch?: number },
): Promise<Response> {
  const token = machineToken()
  const { body } = input
  try {
    return await fetch(addressOf(contract, input as never), {
      method: contract.method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
        ...(contract.method === 'POST' && { 'idempotency-key': randomText(16) }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Refused(0, 'the control plane does not answer')
  }
}

async function refusalOf(response: Response): Promise<Refused> {
  const problem = problemSchema.safeParse(await response.json().catch(() => null)).data
  const message = problem?.detail ?? problem?.title ?? `the control plane answered ${response.status}`
  return new Refused(response.status, message, problem?.hint ?? null)
}

/** All pages of a list: for what is known to be short. */
export async function all<R extends Route>(contract: R, input: Input<R>): Promise<Answer<R>[]> {
  const pages: Answer<R>[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { ...(input.query as object | undefined), ...(cursor && { cursor }) }
    const page = await call(contract, { ...input, query } as Input<R>)
    pages.push(page)
    cursor = (page as { cursor: string | null }).cursor
  }
  return pages
}
