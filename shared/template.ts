/**
 * The templates that make a destination's key of a source's: text with fields in braces.
 *
 *   {name}        a named group of the pattern; empty where the group took no part in the match
 *   {key} {dir} {base} {stem} {ext}    of `a/b/c.tar.gz`: all of it, `a/b`, `c.tar.gz`, `c.tar`, `gz`
 *   {{ and }}     a brace itself
 *
 * and, in a field, any number of these, applied from left to right:
 *
 *   [2:5] [2:] [:-1] [0]    characters by place, counted from 0, or from the end where negative; what is not there is left out
 *   :lower :upper           letters (where the key is not UTF-8, only those of ASCII)
 *   :08                     zeros before it, up to that many characters in all
 *   :md5 :sha256            hexadecimal digest of its bytes, which spreads keys evenly: {key:md5[0:2]}/{key}
 *   :url                    percent escapes undone
 */
export type TemplateStep =
  | { readonly is: 'slice'; readonly from: number; readonly to: number | null }
  | { readonly is: 'lower' | 'upper' | 'md5' | 'sha256' | 'url' }
  | { readonly is: 'pad'; readonly width: number }

export interface TemplateField {
  readonly name: string
  readonly steps: readonly TemplateStep[]
}

/** A string is literal text. */
export type TemplatePart = string | TemplateField

/** What every template can name, whatever the pattern is. A group of the same name comes first. */
const keyFields = ['key', 'dir', 'base', 'stem', 'ext'] as const

/** Throws an `Error` that says what is wrong, `groups` being the names that the pattern has. */
export function parseTemplate(text: string, groups: readonly string[]): TemplatePart[] {
  const parts: TemplatePart[] = []
  let literal = ''
  const token = /\{\{|\}\}|\{([^{}]*)\}|([{}])|[^{}]+/gy
  for (const [whole, inside, stray] of text.matchAll(token)) {
    if (stray !== undefined)
      throw new Error(`a "${stray}" stands alone; write "${stray}${stray}" for the character`)
    if (inside === undefined) {
      literal += whole === '{{' ? '{' : whole === '}}' ? '}' : whole
      continue
    }
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(parseField(inside, groups))
  }
  if (literal !== '') parts.push(literal)
  return parts
}

function parseField(inside: string, groups: readonly string[]): TemplateField {
  const [name = ''] = /^[\p{L}_$][\p{L}\p{N}_$]*/u.exec(inside) ?? []
  if (name === '') throw new Error(`{${inside}} does not begin with a name`)
  const known = [...groups, ...keyFields]
  if (!known.includes(name)) throw new Error(`there is no {${name}}; there is {${known.join('}, {')}}`)
  const steps: TemplateStep[] = []
  for (let rest = inside.slice(name.length); rest !== ''; ) {
    const [whole, step] = parseStep(rest) ?? []
    if (!step || !whole) throw new Error(`{${inside}} has something that is not understood: ${rest}`)
    steps.push(step)
    rest = rest.slice(whole.length)
  }
  return { name, steps }
}

function parseStep(text: string): [whole: string, step: TemplateStep] | null {
  const one = /^\[(-?\d{1,4})\]/.exec(text)
  if (one) {
    const from = Number(one[1])
    return [one[0], { is: 'slice', from, to: from === -1 ? null : from + 1 }]
  }
  const slice = /^\[(-?\d{1,4})?:(-?\d{1,4})?\]/.exec(text)
  if (slice) {
    const [whole, from, to] = slice
    return [whole, { is: 'slice', from: Number(from ?? 0), to: to === undefined ? null : Number(to) }]
  }
  const pad = /^:0(\d{1,3})(?!\d)/.exec(text)
  if (pad) return [pad[0], { is: 'pad', width: Number(pad[1]) }]
  const word = /^:(lower|upper|md5|sha256|url)(?!\w)/.exec(text)
  return word && [word[0], { is: word[1] as 'lower' }]
}
