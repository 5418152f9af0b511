/**
 * The names of headers, each kept once. A store says the same dozen in every answer: they are found by their bytes, so that
 * no string is made for them, and one name is one string to whoever compares it or keeps something under it.
 */
import { lowered } from './octets.ts'

/** A power of two. What comes to a taken place takes it over: nobody can make it grow. */
const places = 4096
const kept: (string | undefined)[] = new Array(places).fill(undefined)

/** Lower-case. `text` from `start` to `end`. */
export function nameIn(text: string, start: number, end: number): string {
  let hash = 0
  for (let at = start; at < end; at++) hash = (hash * 31 + lowered[text.charCodeAt(at)]!) | 0
  const place = hash & (places - 1)
  const known = kept[place]
  if (known !== undefined && isAt(known, text, start, end)) return known
  const name = text.slice(start, end).toLowerCase()
  kept[place] = name
  return name
}

function isAt(name: string, text: string, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let i = 0; i < name.length; i++) {
    if (lowered[text.charCodeAt(start + i)] !== name.charCodeAt(i)) return false
  }
  return true
}
