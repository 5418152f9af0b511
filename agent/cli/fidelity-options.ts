/** The options that say what of an object goes along besides its bytes: their grammar, and what they mean. */
import { type Command, Option } from 'commander'
import * as z from 'zod'
import { DrayError } from '../../shared/error.ts'
import { encryptionForm, type FidelityPolicy, fidelitySchema } from '../../shared/fidelity.ts'

export const tagsOption = (): Option =>
  new Option('--tags <policy>', 'object tags').choices(['keep', 'drop']).default('keep')

export function fidelityOptions(command: Command): Command {
  return command
    .option(
      '--storage-class <class>',
      'keep (archives become the default), default, one for all, or FROM=TO,… (FROM * is all others)',
      'keep',
    )
    .addOption(tagsOption())
    .addOption(
      new Option('--acl <policy>', 'who else may read or write; keep asks SRC for each object')
        .choices(['drop', 'keep'])
        .default('drop'),
    )
    .addOption(
      new Option('--object-lock <policy>', 'retention and legal hold, which nobody may be able to take back')
        .choices(['drop', 'keep'])
        .default('drop'),
    )
    .option('--encryption <how>', 'default (as DST has it), AES256, aws:kms, aws:kms:KEY, or keep', 'default')
    .addOption(
      new Option('--on-loss <policy>', 'what DST cannot hold: leave it out and count it, or stop')
        .choices(['go-on', 'stop'])
        .default('go-on'),
    )
}

export const rawFidelitySchema = z.object({
  storageClass: z.string().default('keep'),
  tags: z.enum(['keep', 'drop']).default('keep'),
  acl: z.enum(['drop', 'keep']).default('drop'),
  objectLock: z.enum(['drop', 'keep']).default('drop'),
  encryption: z.string().default('default'),
  onLoss: z.enum(['go-on', 'stop']).default('go-on'),
})

/** Throws `usage`. */
export function parseFidelity(raw: z.infer<typeof rawFidelitySchema>): FidelityPolicy {
  if (!encryptionForm.test(raw.encryption)) {
    throw usage(
      `--encryption ${raw.encryption} is none that S3 has`,
      'Give default, keep, AES256, aws:kms, aws:kms:dsse, or aws:kms:KEY with the id or ARN of a key.',
    )
  }
  const { tags, acl, objectLock, encryption, onLoss } = raw
  return { storageClass: parseClasses(raw.storageClass), tags, acl, objectLock, encryption, onLoss }
}

function parseClasses(text: string): FidelityPolicy['storageClass'] {
  if (text === 'keep' || text === 'default') return text
  const pairs = text.includes('=') ? text.split(',').map((pair) => pair.trim().split('=')) : [['*', text]]
  const parsed = fidelitySchema.shape.storageClass.safeParse({ to: Object.fromEntries(pairs) })
  const isTwice = new Set(pairs.map(([from]) => from)).size < pairs.length
  if (parsed.success && !isTwice && pairs.every((pair) => pair.length === 2)) return parsed.data
  throw usage(
    `--storage-class ${text} is no storage class and no list of them`,
    'Give keep, default, a class like STANDARD_IA, or a list like STANDARD=STANDARD_IA,GLACIER=DEEP_ARCHIVE.',
  )
}

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })
