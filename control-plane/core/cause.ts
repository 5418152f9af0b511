/**
 * What failures have in common: the message without what names the object. Two failures have one cause where their codes and these forms are
 * equal.
 *
 *   Access Denied (GET s3://old/photos/2019/a.jpg).     →   Access Denied (GET s3://old/<key>).
 *   The body ended after 4096 of 81920 bytes.           →   The body ended after # of # bytes.
 *   "photos" is a file.                                 →   … is a file.
 */
import { displayKey, type Key, keyToText } from '../../shared/key.ts'

const longest = 200
/** A key of fewer characters is found within words, and is looked for only where an address ends. */
const shortest = 3
/** Of a key that may have been cut off with its message. */
const enough = 60

export function formOf({ key, message }: { readonly key: Key; readonly message: string }): string {
  let form = message
  // An object that has another key at the source is named by that one, which its message ends with.
  const origin = / \(from (.+)\)\.?$/s.exec(message)?.[1]
  for (const name of [displayKey(key), keyToText(key), origin]) {
    if (name) form = without(form, name)
  }
  form = form
    .replaceAll(/"[^"]*"|“[^”]*”|‘[^’]*’|`[^`]*`|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu, '…')
    // Paths, UUIDs, request ids and digests.
    .replaceAll(/(?<=^|[\s(])\/[^\s()]{2,}/g, '<path>')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '<id>')
    .replaceAll(/(?<![\w<])(?=[A-Za-z]*\d)(?:[0-9A-Fa-f]{8,}|(?=\d*[A-Za-z])[\w+/=-]{16,})(?![\w>])/g, '<id>')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>')
    .replaceAll(/(?<![\w-])\d+(?:[.,:]\d+)*/g, '#')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return form.length > longest ? `${form.slice(0, longest - 1)}…` : form
}

function without(text: string, name: string): string {
  if (name.length < shortest) return text.replaceAll(`/${name})`, '/<key>)')
  if (text.includes(name)) return text.replaceAll(name, '<key>')
  const at = name.length > enough ? text.indexOf(name.slice(0, enough)) : -1
  return at < 0 ? text : `${text.slice(0, at)}<key>`
}
