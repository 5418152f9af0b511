/**
 * Keeps workerd from outliving us. Miniflare starts it as a child, and a child survives a kill -9 of its parent: it
 * would go on serving, and hold the state. So Miniflare is given a small script to start in workerd's place:
 *
 * - with util-linux's `setpriv` (Linux), the kernel kills workerd at once when we end;
 * - without it (macOS, busybox), a watcher beside it looks every second whether we are still there.
 *
 * The script also ignores the signals that a terminal sends to a whole process group: Ctrl-C must reach us alone,
 * since workerd is needed for giving leases back. Miniflare ends it with SIGKILL.
 */
import { spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const byKernel = (parent: number, workerd: string) => `#!/bin/sh
# Written at each start. The inner shell sees to it that we did not end before the kernel knew of the leash.
trap '' INT TERM HUP
exec setpriv --pdeathsig KILL /bin/sh -c '[ "$PPID" = "$0" ] && exec "$@"' ${parent} ${quote(workerd)} "$@"
`

const byWatcher = (parent: number, workerd: string) => `#!/bin/sh
# Written at each start. "$$" is workerd itself after the exec.
trap '' INT TERM HUP
( while kill -0 ${parent} 2>/dev/null && kill -0 $$ 2>/dev/null; do sleep 1; done
  kill -KILL $$ 2>/dev/null ) </dev/null >/dev/null 2>&1 3>&- &
exec ${quote(workerd)} "$@"
`

/** The path of the script to start for workerd, or null where no script can be started from `directory`. */
export async function leashWorkerd(
  directory: string,
  options: { workerd?: string; parent?: number } = {},
): Promise<string | null> {
  const workerd = options.workerd ?? installedWorkerd()
  const parent = options.parent ?? process.pid
  const file = join(directory, 'workerd.sh')
  for (const script of [byKernel, byWatcher]) {
    writeFileSync(file, script(parent, workerd))
    chmodSync(file, 0o700)
    if (await starts(file)) return file
  }
  return null
}

function installedWorkerd(): string {
  // workerd is Miniflare's dependency, not ours: ask from where Miniflare is.
  const require = createRequire(createRequire(import.meta.url).resolve('miniflare'))
  return (require('workerd') as { default: string }).default
}

function starts(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = spawn(file, ['--version'], { stdio: 'ignore' })
    probe.once('error', () => resolve(false))
    probe.once('exit', (code) => resolve(code === 0))
  })
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
