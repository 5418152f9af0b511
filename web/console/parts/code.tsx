import { Copy } from 'lucide-react'
import { useRef } from 'react'
import { announce } from '../announce.tsx'
import { copy } from '../copy.ts'
import { texts } from '../texts.ts'

/** Text as it is, which scrolls by itself where it is wide: by the keyboard, too. `copies`: with a button that copies it. */
export function Code({ label, text, copies = false }: { label: string; text: string; copies?: boolean }) {
  const place = useRef<HTMLPreElement>(null)
  const run = async () => {
    try {
      await copy(text)
      announce(texts.copy.done)
    } catch {
      // What is selected is a key away.
      if (place.current) getSelection()?.selectAllChildren(place.current)
      announce(texts.copy.not)
    }
  }
  return (
    <div className={copies ? 'copied code' : undefined}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section aria-label={label} tabIndex={0} className={copies ? undefined : 'code'}>
        <pre ref={place}>{text}</pre>
      </section>
      {copies && (
        <button type="button" onClick={() => void run()}>
          <Copy size={16} aria-hidden="true" />
          {texts.copy.deed}
        </button>
      )}
    </div>
  )
}
