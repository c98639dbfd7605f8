// Being told to stop, or to look at the settings again: Ctrl-C, a service manager, a closed terminal.

/** A terminal signals every process of a command, and wrappers such as npx pass theirs on: one Ctrl-C may arrive twice. */
const ECHO_MS = 1000

/**
 * Resolves at the first SIGINT or SIGTERM. A second one, when stopping takes too long, ends the process at once. SIGHUP calls
 * `onReload`, as it does in a server; without it, or when it comes from a terminal that has been closed, it stops too.
 */
export function untilStopped(onReload?: () => void): Promise<void> {
  return new Promise(resolve => {
    let first = 0
    const stop = () => {
      if (first === 0) first = performance.now()
      else if (performance.now() - first > ECHO_MS) process.exit(130)
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
    const fromTerminal = process.stdin.isTTY || process.stdout.isTTY
    process.on('SIGHUP', () => (onReload && !fromTerminal && first === 0 ? onReload() : stop()))
  })
}
