/** Figures side by side: a name, a value, and what it needs to be understood. */
export function Figures({
  of,
}: {
  of: readonly (readonly [name: string, value: string, note?: string | undefined])[]
}) {
  return (
    <dl className="figures">
      {of.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {note && <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
