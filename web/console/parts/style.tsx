/** The style of one page, which nothing else needs: fetched with the page, which is shown when it is there. */
export const Style = ({ of }: { of: 'migration' | 'wizard' }) => (
  <link rel="stylesheet" href={`/${of}.css`} precedence="page" />
)
