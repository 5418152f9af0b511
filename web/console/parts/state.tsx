/** A state: a shape, a colour and a word. */
export function State({ is, says }: { is: string; says: string }) {
  return <span className={`state ${is}`}>{says}</span>
}
