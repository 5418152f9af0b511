/** Which keys objects get at the destination, where these are other ones than at the source. */
import { unmatchedPolicies } from '../../../shared/mapping.ts'
import { ChoiceField, SelectField, TextField } from '../parts/field.tsx'
import { Said } from '../parts/key.tsx'
import { newMigrationTexts } from '../texts/new-migration.ts'
import { type Draft, mappingFault } from './draft.ts'

const texts = newMigrationTexts.keys
const plainInput = { autoComplete: 'off', spellCheck: false } as const

export function Keys(props: {
  draft: Draft
  change(part: Partial<Draft>): void
  /** The first keys that are taken, of the source. */
  samples: readonly string[]
}) {
  const { mapping } = props.draft
  const set = (part: Partial<Draft['mapping']>) => props.change({ mapping: { ...mapping, ...part } })
  const isStarted = mapping.kind === 'prefix' ? mapping.from + mapping.to !== '' : mapping.template !== ''
  const fault = isStarted ? mappingFault(props.draft) : null
  return (
    <>
      <ChoiceField<Draft['mapping']['kind']>
        label={texts.label}
        value={mapping.kind}
        change={(kind) => set({ kind })}
        choices={(['none', 'prefix', 'template'] as const).map((kind) => [kind, ...texts.kinds[kind]])}
      />
      {mapping.kind === 'prefix' && (
        <div className="fields">
          <TextField
            {...plainInput}
            label={texts.from}
            value={mapping.from}
            change={(from) => set({ from })}
          />
          <TextField
            {...plainInput}
            label={texts.to}
            error={fault}
            value={mapping.to}
            change={(to) => set({ to })}
          />
        </div>
      )}
      {mapping.kind === 'template' && (
        <>
          <TextField
            {...plainInput}
            label={texts.pattern}
            hint={texts.patternHint}
            value={mapping.pattern}
            change={(pattern) => set({ pattern })}
          />
          <TextField
            {...plainInput}
            label={texts.template}
            hint={texts.templateHint}
            error={fault}
            value={mapping.template}
            change={(template) => set({ template })}
          />
          <p className="quiet small">{texts.cliPreview}</p>
        </>
      )}
      {mapping.kind !== 'none' && (
        <SelectField
          label={texts.unmatched}
          value={mapping.unmatched}
          change={(unmatched) => set({ unmatched })}
          options={unmatchedPolicies.map((one) => [one, texts.unmatchedKinds[one]])}
        />
      )}
      {mapping.kind === 'prefix' && isStarted && <Preview {...mapping} samples={props.samples} />}
      <p className="quiet small">{texts.elsewhere}</p>
    </>
  )
}

function Preview(props: Draft['mapping'] & { samples: readonly string[] }) {
  const { samples, from, to, unmatched } = props
  if (samples.length === 0) return null
  return (
    <section className="preview" aria-label={texts.preview}>
      <h3>{texts.preview}</h3>
      <ul className="samples">
        {samples.slice(0, 5).map((key) => (
          <li key={key} className="mono">
            <Said text={key} most={120} />{' '}
            {key.startsWith(from) ? (
              <>
                → <span className="hidden">{texts.becomes}</span>
                <Said text={to + key.slice(from.length)} most={120} />
              </>
            ) : (
              <span className="quiet">({texts.unmatchedKinds[unmatched]})</span>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
