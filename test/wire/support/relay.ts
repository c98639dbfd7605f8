// A relay whose connections can be cut, or fall silent, as a network's do, and that may change what the server says.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface Relay {
  readonly port: number
  /** Connections that pass now. */
  readonly legs: number
  /** Ends each connection at both ends: with FIN (destroy) or RST. */
  cut(how: 'destroy' | 'resetAndDestroy'): void
  /** From now on nothing is passed on, either way, and nobody is told; false: all that has waited goes on. */
  silence(silent: boolean): void
  /** From now on connections are not answered for: closed as they come. */
  refuse(refused: boolean): void
}

/** Before `port`; ended by the teardown of `t`. `alter` gets each chunk of the server's. */
export async function startRelay(
  t: Pick<Test, 'teardown'>,
  port: number,
  alter: (chunk: Buffer) => Buffer = chunk => chunk,
): Promise<Relay> {
  const legs = new Set<Socket>()
  let [silent, refused] = [false, false]
  const cable = createServer({ allowHalfOpen: true, noDelay: true }, leg => {
    leg.on('error', () => {})
    if (refused) return void leg.destroy()
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    server.on('error', () => leg.destroy())
    leg.on('data', chunk => server.write(chunk)).on('end', () => server.end())
    server.on('data', chunk => leg.write(alter(chunk))).on('end', () => leg.end())
    for (const socket of [leg, server]) if (silent) socket.pause()
    legs.add(leg)
    leg.on('close', () => {
      legs.delete(leg)
      server.destroy()
    })
    server.on('close', () => leg.destroySoon())
    pairs.set(leg, server)
  })
  const pairs = new WeakMap<Socket, Socket>()
  await new Promise<void>(resolve => cable.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const leg of legs) leg.destroy()
    cable.close()
  })
  return {
    port: (cable.address() as AddressInfo).port,
    get legs() {
      return legs.size
    },
    cut(how) {
      for (const leg of legs) leg[how]()
    },
    silence(wanted) {
      silent = wanted
      for (const leg of legs)
        for (const socket of [leg, pairs.get(leg)!])
          if (silent) socket.pause()
          else socket.resume()
    },
    refuse(wanted) {
      refused = wanted
    },
  }
}
