// `pgpredict healthcheck`: asks as pg_isready does, without logging in. An answer from the server, be it a demand for a
// password or a refusal, has passed through the proxy and back.

import net from 'node:net'
import type { Address } from '../config/address.js'

/** What kept it from answering, or null when all is well. */
export function checkHealth({ host, port }: Address, timeout = 3000): Promise<string | null> {
  return new Promise(resolve => {
    const socket = net.connect({ host, port })
    const finish = (problem: string | null) => {
      socket.destroy()
      resolve(problem)
    }
    socket.setTimeout(timeout, () => finish(`no answer within ${timeout} ms`))
    socket.once('error', error => finish(error.message))
    socket.once('connect', () =>
      socket.write(startup({ user: 'pgpredict', database: 'postgres', application_name: 'pgpredict healthcheck' })),
    )
    let answer = Buffer.alloc(0)
    socket.on('data', chunk => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length < 5 || answer.length < 1 + answer.readInt32BE(1)) return
      const type = String.fromCharCode(answer[0]!)
      if (type === 'R') finish(null)
      else if (type === 'E') finish(refusal(answer.subarray(5, 1 + answer.readInt32BE(1))))
      else finish('not a Postgres server')
    })
    socket.once('end', () => finish('the connection was closed without an answer'))
  })
}

function startup(parameters: Record<string, string>): Buffer {
  const body = Buffer.from(`${Object.entries(parameters).flat().join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + body.length, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, body])
}

/** Errors that mean "not now" are problems; any other refusal comes from a server that works. */
function refusal(fields: Buffer): string | null {
  const values = new Map(
    fields
      .toString('utf8')
      .split('\0')
      .map(text => [text[0], text.slice(1)]),
  )
  const code = values.get('C') ?? ''
  return code === '57P03' || code.startsWith('08') || code.startsWith('58') ? `${values.get('M')} (${code})` : null
}
