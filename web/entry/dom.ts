/** Elements, and a form whose trouble is said below it. */
import { entryTexts } from './texts.ts'

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

/** An input with its label. */
export function field(label: string, properties: Partial<HTMLInputElement>): HTMLLabelElement {
  return element('label', {}, label, element('input', { required: true, spellcheck: false, ...properties }))
}

const page = document.getElementById('page') as HTMLElement

/** The page, from its heading on; the first field has the focus. */
export function show(title: string, ...children: (Node | string)[]): void {
  document.title = entryTexts.tab(title)
  page.replaceChildren(element('h1', {}, title), ...children)
  page.querySelector<HTMLElement>('[autofocus], input')?.focus()
}

/** Runs one thing at a time, and says what went wrong where people look for it. */
export function action(said: HTMLElement, work: () => Promise<void>): (event?: Event) => void {
  let running = false
  return (event) => {
    event?.preventDefault()
    if (running) return
    running = true
    said.textContent = ''
    const pressed = event instanceof SubmitEvent ? event.submitter : event?.currentTarget
    const busy = pressed instanceof HTMLElement ? pressed : null
    busy?.setAttribute('aria-busy', 'true')
    work()
      .catch((error: unknown) => {
        said.textContent = error instanceof Error ? error.message : String(error)
      })
      .finally(() => {
        running = false
        busy?.removeAttribute('aria-busy')
      })
  }
}

export const trouble = (): HTMLParagraphElement => element('p', { className: 'trouble', role: 'alert' })

export function button(label: string, onclick: (event?: Event) => void, className = ''): HTMLButtonElement {
  return element('button', { type: 'button', onclick, className }, label)
}

/** `values` are what its fields hold, by their names. */
export function form(
  said: HTMLElement,
  submit: (values: Record<string, string>) => Promise<void>,
  ...children: (Node | string)[]
): HTMLFormElement {
  const made = element('form', {}, ...children)
  made.onsubmit = action(said, () => {
    const values = Object.fromEntries([...new FormData(made)].map(([name, value]) => [name, String(value)]))
    return submit(values)
  })
  return made
}
