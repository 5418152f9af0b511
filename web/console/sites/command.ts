/** The one command that makes a machine an agent and starts it. */

/** For a shell, whatever it holds. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** `allow`: an entry a line. */
export function joinCommand(join: { token: string; origin: string; allow: string; root: boolean }): string {
  const entries = join.allow
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const options = [
    ...entries.map((entry) => ` --allow ${quoted(entry)}`),
    ...(join.root ? [' --root site-root.json'] : []),
  ]
  return `DRAY_JOIN_TOKEN=${join.token} dray agent join ${join.origin}${options.join('')} && dray agent run`
}
