/** What each pass does, in plain words, each choice with what follows from it. What is usual is what the command line does. */
import { defaultFidelity, encryptionForm, type FidelityPolicy } from '../../../shared/fidelity.ts'
import { seesAll } from '../../../shared/mapping.ts'
import {
  archivedPolicies,
  compares,
  priorities,
  restoreTiers,
  serverSideCopies,
  symlinkPolicies,
  versionPolicies,
} from '../../../shared/policy.ts'
import { ConflictsField, DeletesFields } from '../parts/deletes-fields.tsx'
import { ChoiceField, SelectField, TextField } from '../parts/field.tsx'
import { Notice } from '../parts/notice.tsx'
import { newMigrationTexts } from '../texts/new-migration.ts'
import { type Draft, filterOf, mappingOf } from './draft.ts'

const texts = newMigrationTexts.policy

/** The words of a choice, in their order. */
const said = <T extends string>(words: readonly T[], of: Record<T, readonly [string, string]>) =>
  words.map((word) => [word, ...of[word]] as const)

export function PolicyStep({ draft, change }: { draft: Draft; change(part: Partial<Draft>): void }) {
  const { options } = draft
  const set = (part: Partial<Draft['options']>) => change({ options: { ...options, ...part } })
  const hasBucket = [draft.source, draft.destination].some(({ by }) => by !== 'site')
  const bothBuckets = [draft.source, draft.destination].every(({ by }) => by !== 'site')
  const hasDirectory = [draft.source, draft.destination].some(({ by }) => by === 'site')
  const mapping = mappingOf(draft)
  const arrangement = { ...(mapping && { mapping }), ...(draft.manifest && { manifest: draft.manifest }) }
  return (
    <>
      <div className="choices">
        <DeletesFields value={options} change={set} />
        <ChoiceField
          label={texts.compare}
          value={options.compare}
          change={(compare) => set({ compare })}
          choices={said(compares, texts.compares)}
        />
        <ConflictsField value={options.conflicts} change={(conflicts) => set({ conflicts })} />
        {(bothBuckets || options.versions === 'all') && (
          <ChoiceField
            label={texts.versions}
            value={options.versions}
            change={(versions) => set({ versions })}
            choices={said(versionPolicies, texts.versionKinds)}
          />
        )}
        {(draft.source.by !== 'site' || options.archived !== 'fail') && (
          <ChoiceField
            label={texts.archived}
            value={options.archived}
            change={(archived) => set({ archived })}
            choices={said(archivedPolicies, texts.archivedKinds)}
          />
        )}
        {(hasDirectory || options.symlinks !== 'skip') && (
          <ChoiceField
            label={texts.symlinks}
            value={options.symlinks}
            change={(symlinks) => set({ symlinks })}
            choices={said(symlinkPolicies, texts.symlinkKinds)}
          />
        )}
      </div>
      {options.delete && !seesAll({ ...arrangement, filter: filterOf(draft) }) && (
        <Notice kind="bad">{texts.blind}</Notice>
      )}
      {options.versions === 'all' && (mapping || draft.manifest) && (
        <Notice kind="bad">{texts.blindVersions}</Notice>
      )}
      {options.archived === 'restore' && (
        <div className="fields">
          <TextField
            label={texts.restoreDays}
            type="number"
            min={1}
            max={365}
            value={String(options.restoreDays)}
            change={(days) => set({ restoreDays: Math.min(365, Math.max(1, Math.round(Number(days)) || 1)) })}
          />
          <SelectField
            label={texts.restoreTier}
            value={options.restoreTier}
            change={(restoreTier) => set({ restoreTier })}
            options={restoreTiers.map((tier) => [tier, texts.restoreTiers[tier]])}
          />
        </div>
      )}
      {hasBucket && <Fidelity of={options.fidelity} change={(fidelity) => set({ fidelity })} />}
      <div className="fields">
        {bothBuckets && (
          <SelectField
            label={texts.serverSideCopy}
            value={options.serverSideCopy}
            change={(serverSideCopy) => set({ serverSideCopy })}
            options={serverSideCopies.map((one) => [one, texts.serverSideCopies[one]])}
          />
        )}
        <SelectField
          label={texts.priority}
          value={draft.priority}
          change={(priority) => change({ priority })}
          options={priorities.map((one) => [one, texts.priorities[one]])}
        />
      </div>
    </>
  )
}

function Fidelity({ of, change }: { of: FidelityPolicy; change(of: FidelityPolicy): void }) {
  const set = (part: Partial<FidelityPolicy>) => change({ ...of, ...part })
  const others = Object.keys(of).filter(
    (name) =>
      JSON.stringify(of[name as keyof FidelityPolicy]) !==
      JSON.stringify(defaultFidelity[name as keyof FidelityPolicy]),
  ).length
  const choose = <N extends 'tags' | 'acl' | 'objectLock' | 'onLoss'>(
    name: N,
    label: string,
    words: Record<FidelityPolicy[N], string>,
  ) => (
    <SelectField<FidelityPolicy[N]>
      label={label}
      value={of[name]}
      change={(value) => set({ [name]: value } as Partial<FidelityPolicy>)}
      options={Object.entries<string>(words) as [FidelityPolicy[N], string][]}
    />
  )
  return (
    <details className="field">
      <summary>
        {texts.fidelity}: {texts.changed(others)}
      </summary>
      <p className="quiet small">{texts.fidelitySays}</p>
      <div className="fields">
        {choose('tags', texts.tags, texts.tagKinds)}
        <StorageClass of={of.storageClass} change={(storageClass) => set({ storageClass })} />
        {choose('acl', texts.acl, texts.aclKinds)}
        {choose('objectLock', texts.objectLock, texts.objectLockKinds)}
        <Encryption of={of.encryption} change={(encryption) => set({ encryption })} />
        {choose('onLoss', texts.onLoss, texts.onLossKinds)}
      </div>
    </details>
  )
}

function StorageClass(props: {
  of: FidelityPolicy['storageClass']
  change(of: FidelityPolicy['storageClass']): void
}) {
  const { of, change } = props
  const names = typeof of === 'string' ? [] : Object.keys(of.to)
  const isOne = names.length === 1 && names[0] === '*'
  const kind = typeof of === 'string' ? of : isOne ? 'one' : 'map'
  return (
    <>
      <SelectField<typeof kind>
        label={texts.storageClass}
        value={kind}
        change={(to) =>
          to === 'keep' || to === 'default' ? change(to) : to === 'one' && change({ to: { '*': 'STANDARD' } })
        }
        options={(['keep', 'default', 'one', ...(kind === 'map' ? (['map'] as const) : [])] as const).map(
          (one) => [one, texts.storageClasses[one]],
        )}
      />
      {typeof of !== 'string' && isOne && (
        <TextField
          label={texts.oneClass}
          hint={texts.oneClassHint}
          error={/^[A-Z][A-Z0-9_]{0,39}$/.test(of.to['*'] ?? '') ? null : texts.oneClassHint}
          autoComplete="off"
          spellCheck={false}
          value={of.to['*'] ?? ''}
          change={(name) => change({ to: { '*': name.toUpperCase() } })}
        />
      )}
    </>
  )
}

function Encryption({ of, change }: { of: string; change(of: string): void }) {
  const isKms = of.startsWith('aws:kms')
  const key = of.slice('aws:kms:'.length)
  const kind = isKms ? 'aws:kms' : (of as 'default' | 'keep' | 'AES256')
  return (
    <>
      <SelectField<'default' | 'keep' | 'AES256' | 'aws:kms'>
        label={texts.encryption}
        value={kind}
        change={change}
        options={(['default', 'keep', 'AES256', 'aws:kms'] as const).map((one) => [
          one,
          texts.encryptionKinds[one],
        ])}
      />
      {isKms && (
        <TextField
          label={texts.kmsKey}
          hint={texts.kmsKeyHint}
          error={encryptionForm.test(of) ? null : texts.kmsKeyHint}
          autoComplete="off"
          spellCheck={false}
          value={key}
          change={(name) => change(name === '' ? 'aws:kms' : `aws:kms:${name}`)}
        />
      )}
    </>
  )
}
