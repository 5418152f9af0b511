/** What becomes of what is at work where something is paused. */
import { migrationTexts } from '../texts/migration.ts'
import { ChoiceField } from './field.tsx'

const says = migrationTexts.pause

export function InFlight(props: { value: 'finish' | 'stop'; change(value: 'finish' | 'stop'): void }) {
  return (
    <ChoiceField<'finish' | 'stop'>
      label={says.inFlight}
      {...props}
      choices={[
        ['finish', says.finish, says.finishHint],
        ['stop', says.stop, says.stopHint],
      ]}
    />
  )
}
