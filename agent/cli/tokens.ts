/** `dray token …`: API tokens, for programs. */
import { scopes as allScopes, type Scope } from '../../shared/api/scopes.ts'
import { createToken, listTokens, revokeToken, type TokenView } from '../../shared/api/tokens.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { table } from './table.ts'

export async function listThem(options: AskOptions, io: Io): Promise<number> {
  const tokens = await withSomePlane(options, io, tokensOf)
  if (options.json) io.stdout.write(`${JSON.stringify({ tokens })}\n`)
  else if (tokens.length === 0)
    io.stdout.write('There are no tokens. Make one with: dray token create NAME --scope …\n')
  else {
    const rows = tokens.map(({ id, name, start, maker, expiresAt, usedAt, scopes }) => [
      id,
      name,
      `${start}…`,
      maker,
      expiresAt === null ? 'never' : day(expiresAt),
      usedAt === null ? '' : day(usedAt),
      scopes.join(' '),
    ])
    io.stdout.write(visible(table(['ID', 'NAME', 'TOKEN', 'MAKER', 'EXPIRES', 'USED', 'SCOPES'], rows)))
  }
  return exitCodes.equal
}

/** Its secret goes to the standard output, alone, so that it can go into a file; everything else to the other one. */
export async function create(
  name: string,
  options: AskOptions & { scope?: string[]; days: number | null },
  io: Io,
): Promise<number> {
  const scopes = (options.scope ?? []).flatMap((text) => text.split(/[\s,]+/)).filter(Boolean) as Scope[]
  const unknown = scopes.filter((scope) => !allScopes.includes(scope))
  if (unknown.length > 0 || scopes.length === 0) {
    const message = scopes.length === 0 ? 'no scope is given' : `there is no scope ${unknown.join(', ')}`
    throw new DrayError('usage', 'read the arguments', message, {
      hint: `There are: ${allScopes.join(', ')}.`,
    })
  }
  const { days } = options
  const made = await withSomePlane(options, io, (plane) =>
    plane.call(createToken, { body: { name, scopes, days } }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify(made)}\n`)
  else {
    const until = made.token.expiresAt === null ? 'for good' : `until ${day(made.token.expiresAt)}`
    io.stderr.write(visible(`The token ${name}, good ${until}. It is not shown again:\n`))
    io.stdout.write(`${made.secret}\n`)
  }
  return exitCodes.equal
}

export async function revoke(which: string, options: AskOptions, io: Io): Promise<number> {
  await withSomePlane(options, io, async (plane) => {
    const found = (await tokensOf(plane)).filter(({ id, name }) => id === which || name === which)
    if (found.length !== 1) {
      const message =
        found.length === 0 ? `there is no token ${which}` : `${found.length} tokens are called ${which}`
      throw new DrayError('not-found', 'revoke', message, { hint: 'See dray token list, and give its id.' })
    }
    return plane.call(revokeToken, { params: { token: found[0]!.id } })
  })
  io.stdout.write(options.json ? `${JSON.stringify({ revoked: which })}\n` : visible(`Revoked ${which}.\n`))
  return exitCodes.equal
}

async function tokensOf(plane: PlaneClient): Promise<TokenView[]> {
  const found: TokenView[] = []
  for await (const page of plane.pages(listTokens, {})) found.push(...page.tokens)
  return found
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
