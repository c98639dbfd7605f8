// A relay that cuts what passes into slices of a few bytes, one a turn of the event loop.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** Port of a relay to `port` whose both directions arrive in slices of `size` bytes. */
export async function slicer(t: Test, port: number, size: number): Promise<number> {
  const server = createServer({ noDelay: true }, client => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    cut(client, upstream, size)
    cut(upstream, client, size)
  })
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function cut(from: Socket, to: Socket, size: number): void {
  let waiting = Buffer.alloc(0)
  let sending = false
  const send = () => {
    sending = waiting.length > 0
    if (!sending) return
    to.write(waiting.subarray(0, size))
    waiting = waiting.subarray(size)
    setImmediate(send)
  }
  from.on('data', chunk => {
    waiting = Buffer.concat([waiting, chunk])
    if (!sending) send()
  })
  from.on('close', () => to.destroy()).on('error', () => {})
}
