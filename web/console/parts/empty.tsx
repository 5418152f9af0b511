import { texts } from '../texts.ts'
import { Code } from './code.tsx'

/** Where there is nothing yet: what it is for, and the command that begins. */
export function Empty({ says, command }: { says: string; command?: string }) {
  return (
    <div className="card">
      <p className="quiet">{says}</p>
      {command && <Code label={texts.command} text={command} />}
    </div>
  )
}
