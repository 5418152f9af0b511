/** What becomes of objects that the source does not have, or not any more; and from how many on somebody is asked first. */
import {
  conflictPolicies,
  type DeleteCap,
  defaultDeleteCap,
  type PassOptions,
  type Policy,
} from '../../../shared/policy.ts'
import { deletesTexts as texts } from '../texts/deletes.ts'
import { DurationField } from './duration-field.tsx'
import { ChoiceField, TextField } from './field.tsx'

export interface Deletes {
  readonly delete: boolean
  /** Seconds. */
  readonly deleteAfter: number
  readonly deleteCap: DeleteCap
}

const day = 86_400

export function DeletesFields({ value, change }: { value: Deletes; change(value: Partial<Deletes>): void }) {
  const { deleteAfter, deleteCap } = value
  const when = !value.delete ? 'no' : deleteAfter > 0 ? 'after' : 'yes'
  const cap = (part: Partial<DeleteCap>) => change({ deleteCap: { ...deleteCap, ...part } })
  return (
    <div className="stack">
      <ChoiceField<'no' | 'after' | 'yes'>
        label={texts.label}
        value={when}
        change={(is) =>
          change({ delete: is !== 'no', deleteAfter: is === 'after' ? Math.max(deleteAfter, 7 * day) : 0 })
        }
        choices={(['no', 'after', 'yes'] as const).map((one) => [one, ...texts.kinds[one]] as const)}
      />
      {value.delete && (
        <div className="fields">
          {when === 'after' && (
            <DurationField
              label={texts.after}
              hint={texts.afterHint}
              value={deleteAfter}
              change={(deleteAfter) => change({ deleteAfter })}
              least={60}
              most={366 * day}
            />
          )}
          <TextField
            label={texts.share}
            hint={texts.shareHint}
            type="number"
            min={0}
            max={100}
            value={deleteCap.share === null ? '' : String(Math.round(deleteCap.share * 10_000) / 100)}
            change={(text) => cap({ share: text === '' ? null : Math.min(100, whole(text)) / 100 })}
          />
          <TextField
            label={texts.objects}
            hint={texts.objectsHint}
            type="number"
            min={0}
            value={deleteCap.objects === null ? '' : String(deleteCap.objects)}
            change={(text) => cap({ objects: text === '' ? null : whole(text) })}
          />
        </div>
      )}
    </div>
  )
}

const whole = (text: string) => Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(Number(text)) || 0))

/** As the policy says, or else as usual. */
export const deletesOf = (policy: Pick<Policy, keyof Deletes>): Deletes => ({
  delete: policy.delete ?? false,
  deleteAfter: policy.deleteAfter ?? 0,
  deleteCap: policy.deleteCap ?? defaultDeleteCap,
})

export function ConflictsField(props: {
  value: PassOptions['conflicts']
  change(value: PassOptions['conflicts']): void
}) {
  return (
    <ChoiceField
      label={texts.conflicts}
      {...props}
      choices={conflictPolicies.map((one) => [one, ...texts.conflictKinds[one]] as const)}
    />
  )
}
