/** Makes a key of a template (shared/template.ts) and of what a pattern matched. */
import { hash } from 'node:crypto'
import { type Key, keyFromText, keyToText } from '../../shared/key.ts'
import type { TemplatePart, TemplateStep } from '../../shared/template.ts'

/**
 * What was matched: the text of a key, or, where it is not UTF-8, the key itself, each byte as the character of that
 * number; what comes of such characters are those bytes again.
 */
export interface Subject {
  readonly text: string
  readonly isText: boolean
}

export const subjectOf = (key: Key): Subject => {
  const text = keyToText(key)
  return text === null ? { text: key, isText: false } : { text, isText: true }
}

export type Groups = Readonly<Record<string, string | undefined>>

export function compileTemplate(parts: readonly TemplatePart[]): (subject: Subject, groups: Groups) => Key {
  const ready = parts.map((part) => (typeof part === 'string' ? keyFromText(part) : part))
  return (subject, groups) => {
    let out = ''
    for (const part of ready) {
      if (typeof part === 'string') {
        out += part
        continue
      }
      let value = Object.hasOwn(groups, part.name)
        ? (groups[part.name] ?? '')
        : keyField(subject.text, part.name)
      for (const step of part.steps) value = apply(step, value, subject.isText)
      out += subject.isText ? keyFromText(value) : value
    }
    return out as Key
  }
}

function keyField(text: string, name: string): string {
  const slash = text.lastIndexOf('/')
  const base = text.slice(slash + 1)
  // A name that begins with a dot has no extension for that.
  const dot = base.lastIndexOf('.') > 0 ? base.lastIndexOf('.') : base.length
  switch (name) {
    case 'key':
      return text
    case 'dir':
      return text.slice(0, Math.max(0, slash))
    case 'base':
      return base
    case 'stem':
      return base.slice(0, dot)
    default:
      return base.slice(dot + 1)
  }
}

const ascii = /^[\x00-\x7f]*$/

function apply(step: TemplateStep, value: string, isText: boolean): string {
  switch (step.is) {
    case 'slice': {
      const [from, to] = [step.from, step.to ?? undefined]
      return !isText || ascii.test(value) ? value.slice(from, to) : [...value].slice(from, to).join('')
    }
    case 'pad':
      return '0'.repeat(Math.max(0, step.width - [...value].length)) + value
    case 'lower':
      return isText ? value.toLowerCase() : value.replace(/[A-Z]/g, (c) => c.toLowerCase())
    case 'upper':
      return isText ? value.toUpperCase() : value.replace(/[a-z]/g, (c) => c.toUpperCase())
    case 'md5':
    case 'sha256':
      return hash(step.is, Buffer.from(value, isText ? 'utf8' : 'latin1'))
    case 'url': {
      const bytes = unescapeBytes(isText ? keyFromText(value) : (value as Key))
      // What is no text as bytes stays as it was written.
      return isText ? (keyToText(bytes) ?? value) : bytes
    }
    default:
      return step satisfies never
  }
}

/** Percent escapes undone, byte by byte; a `%` that begins none stands for itself. */
export const unescapeBytes = (key: Key): Key =>
  key.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Key
