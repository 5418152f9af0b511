/** How far a verification looks: its depth, and the share that is read in full besides, with what is known by that. */
import { sampleBound, sampleConfidence } from '../../../shared/ledger.ts'
import { type Depth, depths } from '../../../shared/policy.ts'
import { passTexts } from '../texts/passes.ts'
import { verificationTexts as texts } from '../texts/verification.ts'
import { ChoiceField, SelectField } from './field.tsx'

const shares = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5]

export function DepthField(props: { label: string; value: Depth; change(depth: Depth): void }) {
  return (
    <ChoiceField<Depth>
      {...props}
      choices={depths.map((one) => [one, passTexts.depths[one].title, passTexts.depths[one].says] as const)}
    />
  )
}

export function SampleField(props: {
  value: number | null
  change(share: number | null): void
  /** So many objects there are; null where nobody knows. */
  objects: number | null
}) {
  const { value, change, objects } = props
  const all = value === null || shares.includes(value) ? shares : [...shares, value].sort((a, b) => a - b)
  return (
    <SelectField
      label={texts.sample}
      hint={value === null ? texts.noSampleSays : saidOf(value, objects)}
      value={value === null ? '' : String(value)}
      change={(share) => change(share === '' ? null : Number(share))}
      options={[['', texts.noSample], ...all.map((share) => [String(share), texts.share(share)] as const)]}
    />
  )
}

function saidOf(share: number, objects: number | null): string {
  if (objects === null || objects === 0) return texts.unknown(share, sampleConfidence)
  const read = Math.max(1, Math.round(share * objects))
  return texts.known(read, objects, sampleConfidence, sampleBound(read, objects))
}
