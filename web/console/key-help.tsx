/** What `?` shows: the keys of this page, and those that are everywhere. */
import { useState } from 'react'
import { deedsNow } from './deeds.ts'
import { areKeysOn } from './key-choice.ts'
import { Dialog } from './parts/dialog.tsx'
import { keyTexts } from './texts/keys.ts'

const texts = keyTexts.help
type Line = readonly [key: string, says: string]

export default function KeyHelp({ places, close }: { places: readonly Line[]; close(): void }) {
  const [here] = useState(() =>
    deedsNow().flatMap(({ key, name }): Line[] => (key === undefined ? [] : [[key, name]])),
  )
  return (
    <Dialog open close={close} title={texts.title} wide>
      {!areKeysOn() && <p className="quiet">{texts.off}</p>}
      <div className="fields">
        <Keys title={texts.everywhere} of={texts.keys} />
        <Keys title={texts.places} of={places} />
        {here.length > 0 && <Keys title={texts.page} of={here} />}
      </div>
      <div className="deeds">
        <button type="button" onClick={close}>
          {texts.close}
        </button>
      </div>
    </Dialog>
  )
}

const Keys = ({ title, of }: { title: string; of: readonly Line[] }) => (
  <section className="stack" aria-label={title}>
    <h3>{title}</h3>
    <dl className="pairs">
      {of.map(([key, says]) => (
        <div key={key} className="line">
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{says}</dd>
        </div>
      ))}
    </dl>
  </section>
)
