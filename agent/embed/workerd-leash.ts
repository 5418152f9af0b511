/**
 * Keeps workerd from outliving us. It is our child, and a child survives a kill -9 of its parent: it would go on serving, and
 * hold the state. So a small shell starts it:
 *
 * - with util-linux's `setpriv` (Linux), the kernel kills workerd at once when we end;
 * - without it (macOS, busybox), a watcher beside it looks every second whether we are still there.
 *
 * The signals that a terminal sends to a whole process group are ignored: Ctrl-C must reach us alone, since workerd is
 * needed for giving leases back. We end it with SIGKILL.
 */

/** `$0` is our pid, the rest the command. The inner shell sees to it that we did not end before the kernel knew of the leash. */
const script = `trap '' INT TERM HUP
if setpriv --pdeathsig KILL true 2>/dev/null; then
  exec setpriv --pdeathsig KILL /bin/sh -c '[ "$PPID" = "$0" ] && exec "$@"' "$0" "$@"
fi
( while kill -0 "$0" 2>/dev/null && kill -0 $$ 2>/dev/null; do sleep 1; done
  kill -KILL $$ 2>/dev/null ) </dev/null >/dev/null 2>&1 3>&- &
exec "$@"
`

/** What to spawn in the place of `command`; its pid is the command's own. */
export function leashed(command: readonly string[], parent = process.pid): [file: string, args: string[]] {
  return ['/bin/sh', ['-c', script, String(parent), ...command]]
}
