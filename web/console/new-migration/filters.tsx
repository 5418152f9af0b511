/** Which objects belong to the migration, and what that takes of the source, as far as it was looked at. */
import type { Scan } from '../../../shared/api/browse.ts'
import { formatManifest } from '../../../shared/mapping.ts'
import { bytes, count, duration } from '../format.ts'
import { Bytes } from '../parts/bytes.tsx'
import { AreaField } from '../parts/field.tsx'
import { Figures } from '../parts/figures.tsx'
import { Said } from '../parts/key.tsx'
import { Notice, Refusal } from '../parts/notice.tsx'
import { newMigrationTexts } from '../texts/new-migration.ts'
import type { Draft } from './draft.ts'
import type { Scanner } from './scanning.ts'

const texts = newMigrationTexts.filters

export function Filters(props: {
  draft: Draft
  change(part: Partial<Draft>): void
  scanner: Scanner
  /** Whether there is a source that an agent may be asked to count. */
  hasSource: boolean
}) {
  const { draft, change, scanner } = props
  return (
    <>
      <div className="fields">
        <AreaField
          label={texts.include}
          hint={texts.includeHint}
          rows={3}
          spellCheck={false}
          className="mono"
          value={draft.include}
          change={(include) => change({ include })}
        />
        <AreaField
          label={texts.exclude}
          hint={texts.excludeHint}
          rows={3}
          spellCheck={false}
          className="mono"
          value={draft.exclude}
          change={(exclude) => change({ exclude })}
        />
      </div>
      <p className="quiet small">{texts.help}</p>
      {(draft.only !== null || draft.manifest) && (
        <Notice
          kind="note"
          actions={
            <button type="button" onClick={() => change({ only: null, manifest: null })}>
              {texts.drop}
            </button>
          }
        >
          {draft.only !== null && <Said text={texts.only(draft.only)} />}
          {draft.manifest && <Said text={texts.manifest(formatManifest(draft.manifest))} />}
        </Notice>
      )}
      <section className="preview" aria-label={texts.preview}>
        <div className="row between">
          <h3>{texts.preview}</h3>
          {props.hasSource && <Control of={scanner} />}
        </div>
        {!props.hasSource && <p className="quiet">{texts.noSource}</p>}
        <Refusal of={scanner.error} />
        <p className="quiet" role="status">
          {scanner.sum && !scanner.isOld
            ? lookedAt(scanner.sum, scanner.state === 'done')
            : scanner.state === 'running'
              ? texts.looking
              : ''}
        </p>
        {scanner.sum && (
          <div className="taken" aria-busy={scanner.isOld}>
            <Taken of={scanner.sum} />
          </div>
        )}
      </section>
    </>
  )
}

export function Control({ of }: { of: Scanner }) {
  if (of.state === 'running') {
    return (
      <button type="button" onClick={of.stop}>
        {texts.stop}
      </button>
    )
  }
  return of.state === 'done' ? (
    <button type="button" onClick={of.again}>
      {texts.again}
    </button>
  ) : (
    <button type="button" onClick={of.go}>
      {texts.on}
    </button>
  )
}

function lookedAt({ taken, left, ms }: Scan, isAll: boolean): string {
  const n = count(taken.objects + left.objects)
  return isAll ? texts.all(n, ms < 1_000 ? null : duration(ms)) : texts.first(n)
}

function Taken({ of }: { of: Scan }) {
  const { taken, left, others, samples, archived, narrowed, largest } = of
  const classes = Object.entries(of.storageClasses)
  return (
    <>
      <Figures
        of={[
          [texts.taken, <Bytes key="taken" of={taken.bytes} />, texts.objects(count(taken.objects))],
          [texts.left, <Bytes key="left" of={left.bytes} />, texts.objects(count(left.objects))],
          ...(others > 0 ? [[texts.others, count(others), texts.othersNote] as const] : []),
          ...(largest ? [[texts.largest, <Bytes key="largest" of={largest.bytes} />] as const] : []),
        ]}
      />
      {narrowed && <p className="quiet small">{texts.narrowed}</p>}
      {archived.objects > 0 && (
        <Notice>{texts.archived(count(archived.objects), bytes(archived.bytes))}</Notice>
      )}
      <div className="fields">
        <Samples name={texts.takenSamples} of={samples.taken} />
        <Samples name={texts.leftSamples} of={samples.left} />
      </div>
      {classes.length > 1 && (
        <details>
          <summary>{texts.classes}</summary>
          <ul>
            {classes.map(([name, sum]) => (
              <li key={name}>{texts.class(name, count(sum.objects), bytes(sum.bytes))}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

/** Some keys of many: they are shown, never obeyed. */
function Samples({ name, of }: { name: string; of: readonly string[] }) {
  if (of.length === 0) return null
  return (
    <details>
      <summary>{name}</summary>
      <ul className="samples">
        {of.map((key) => (
          <li key={key} className="mono">
            <Said text={key} most={120} />
          </li>
        ))}
      </ul>
    </details>
  )
}
