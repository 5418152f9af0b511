/** Labels as people type them: name=value, one a line. */
import { newSiteSchema } from '../../../shared/api/sites.ts'

type Labels = Readonly<Record<string, string>>

export const textOf = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')

/** `wrong`: the first line that is none. */
export function labelsOf(text: string): { labels: Record<string, string> } | { wrong: string } {
  const labels: Record<string, string> = {}
  for (const line of text.split('\n').map((line) => line.trim())) {
    if (line === '') continue
    const at = line.indexOf('=')
    const name = line.slice(0, Math.max(0, at)).trim()
    const one = { [name]: line.slice(at + 1).trim() }
    if (!newSiteSchema.shape.labels.safeParse(one).success) return { wrong: line }
    Object.assign(labels, one)
  }
  return { labels }
}
