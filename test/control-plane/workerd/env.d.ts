/** What the Worker is given in these tests: its own bindings, and the catalogue's migrations. */
declare namespace Cloudflare {
  interface Env extends Omit<import('../../../control-plane/env.ts').Env, never> {
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[]
  }
  interface GlobalProps {
    mainModule: typeof import('../../../control-plane/worker.ts')
  }
}
