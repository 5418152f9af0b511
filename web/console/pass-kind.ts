import type { PassStatus } from '../../shared/api/migrations.ts'
import { passTexts as texts } from './texts/passes.ts'

/** What a pass does, in a word or two. */
export const kindOf = ({ options, retries }: Pick<PassStatus, 'options' | 'retries'>): string => {
  const kind =
    options.kind === 'verify'
      ? texts.kinds.verify(texts.depths[options.depth].name)
      : options.dryRun
        ? texts.kinds.dryRun
        : texts.kinds.copy
  return retries === undefined ? kind : texts.kinds.retry(kind, retries)
}
