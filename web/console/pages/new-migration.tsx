import { Page } from '../parts/page.tsx'

export function NewMigration() {
  return <Page title="New migration">{null}</Page>
}
