/** Text as it is, which scrolls by itself where it is wide: by the keyboard, too. */
export function Code({ label, text }: { label: string; text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard.
    <section aria-label={label} tabIndex={0} className="code">
      <pre>{text}</pre>
    </section>
  )
}
