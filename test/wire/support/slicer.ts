// A relay that cuts what passes into slices of a few bytes, one a turn of the event loop.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** Port of a relay to `port` whose both directions arrive in slices of `size` bytes, or of as many as that says each time. */
export async function slicer(t: Pick<Test, 'teardown'>, port: number, size: number | (() => number)): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, client => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    cut(client, upstream, size)
    cut(upstream, client, size)
  })
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function cut(from: Socket, to: Socket, size: number | (() => number)): void {
  let waiting = Buffer.alloc(0)
  let sending = false
  let ended = false
  const send = () => {
    sending = waiting.length > 0
    if (!sending) {
      if (ended) to.end()
      return
    }
    const bytes = typeof size === 'number' ? size : size()
    to.write(waiting.subarray(0, bytes))
    waiting = waiting.subarray(bytes)
    setImmediate(send)
  }
  from.on('data', chunk => {
    waiting = Buffer.concat([waiting, chunk])
    if (!sending) send()
  })
  from.on('end', () => {
    ended = true
    if (!sending) send()
  })
  from.on('error', () => to.destroy())
}
