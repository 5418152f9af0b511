import type { PassStatus } from '../../shared/api/migrations.ts'
import { passTexts as texts } from './texts/passes.ts'

/** What a pass does, in a word or two. */
export const kindOf = ({ options }: Pick<PassStatus, 'options'>): string =>
  options.kind === 'verify'
    ? texts.kinds.verify(texts.depths[options.depth].name)
    : options.dryRun
      ? texts.kinds.dryRun
      : texts.kinds.copy
