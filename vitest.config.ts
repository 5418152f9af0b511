/**
 * `node`: everything that runs in plain node, real sockets and a real workerd included. `workerd`: what has to run inside (alarms,
 * hibernation, storage). The others run only when asked, by scripts of their own: `access` (everybody asks for everything), `browser`
 * (needs a real one), `faults` (kill -9 and the like; minutes), `s3` (needs a real S3 server).
 */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

// Without these the local runtime fetches a sample of `request.cf`, and wrangler reports its use.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
process.env.WRANGLER_SEND_METRICS = 'false'

/** Tests that run inside the Worker's runtime, beside its objects. */
const inside = () =>
  cloudflareTest(async () => ({
    wrangler: { configPath: './wrangler.toml' },
    miniflare: {
      bindings: {
        DRAY_OPERATOR_TOKEN: 'operator-token',
        DRAY_AUTH_SECRET: 'a secret for tests, of more than 32 characters',
        TEST_MIGRATIONS: await readD1Migrations('control-plane/migrations'),
      },
    },
  }))

export default defineConfig({
  test: {
    // Most of them wait for sockets and processes: more of them than cores keeps both busy.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/control-plane/workerd/**',
            'test/access/**',
            'test/browser/**',
            'test/s3/**',
            'test/faults/**',
            '**/node_modules/**',
          ],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        plugins: [inside()],
        test: {
          name: 'workerd',
          include: ['test/control-plane/workerd/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        plugins: [inside()],
        test: {
          name: 'access',
          include: ['test/access/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          // Each starts many processes; two cores are shared by all of them.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 's3',
          include: ['test/s3/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
