/**
 * Names of objects and what stores say, as they reach a page: hostile input. What cannot be seen is written out (hostile.ts), nothing turns
 * the direction of the text around it, and what is long is cut in the middle, with the whole behind a button.
 */
import { Copy } from 'lucide-react'
import { useState } from 'react'
import { announce } from '../announce.tsx'
import { copy } from '../copy.ts'
import { count } from '../format.ts'
import { cut, piecesOf } from '../hostile.ts'
import { keyTexts as texts } from '../texts/key.ts'

/** Of what is shown whole, UTF-16 units: a megabyte of text stops a page. */
const mostWhole = 16_384

/** An object's key, with a button that copies the true one: percent-escaped where its bytes are no text. */
export function Key({
  of: { key, keyEscaped },
  most = 120,
  brief = false,
}: {
  of: { readonly key: string; readonly keyEscaped?: string | undefined }
  /** Characters that are shown before it is cut. */
  most?: number
  /** Where the whole is told elsewhere, and the Tab key is not to stop. */
  brief?: boolean
}) {
  const run = () =>
    copy(keyEscaped ?? key).then(
      () => announce(texts.copied),
      () => announce(texts.notCopied),
    )
  return (
    <span className="named">
      <Cut text={key} most={most} brief={brief} mono />
      <button
        type="button"
        className="bare"
        aria-label={texts.copy}
        title={texts.copy}
        tabIndex={brief ? -1 : undefined}
        onClick={run}
      >
        <Copy size={14} aria-hidden="true" />
      </button>
    </span>
  )
}

/** What a store, an agent or the control plane said of something that has a name from outside. */
export const Said = ({
  text,
  most = 300,
  brief = false,
}: {
  text: string
  most?: number
  brief?: boolean
}) => <Cut text={text} most={most} brief={brief} />

function Cut(props: { text: string; most: number; brief: boolean; mono?: boolean }) {
  const { text, most, brief, mono } = props
  const [open, setOpen] = useState(false)
  const ends = cut(text, most)
  const className = mono ? 'from-outside mono' : 'from-outside'
  if (!ends) return <Text className={className} text={text} />
  if (brief) return <Text className={className} text={ends[0]} tail={ends[1]} />
  return (
    <>
      {open ? (
        <>
          <Text className={className} text={text.slice(0, mostWhole)} />
          {text.length > mostWhole && (
            <span className="quiet">{texts.rest(count(text.length - mostWhole))}</span>
          )}
        </>
      ) : (
        <Text className={className} text={ends[0]} tail={ends[1]} />
      )}{' '}
      <button type="button" className="bare" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? texts.less : texts.whole(count(text.length))}
      </button>
    </>
  )
}

function Text({ className, text, tail }: { className: string; text: string; tail?: string }) {
  return (
    <bdi className={className} dir="ltr">
      <Pieces of={text} />
      {tail !== undefined && <span className="gap">…</span>}
      {tail !== undefined && <Pieces of={tail} />}
    </bdi>
  )
}

const Pieces = ({ of }: { of: string }) =>
  piecesOf(of).map(({ text, isOdd }, i) =>
    isOdd ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name.
      <span className="odd" key={i}>
        {text}
      </span>
    ) : (
      text
    ),
  )
