// A Postgres with pgvector for tests, compiled to WebAssembly, behind a port. It runs one session at a time: clients take turns, a message
// each, so only one of them may be in a transaction.

import { createServer, type Socket } from 'node:net'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'

export interface VectorPostgres {
  readonly url: string
  /** The server itself: what runs here runs in the same session. */
  readonly database: PGlite
  stop(): Promise<void>
}

const START_UP = 196608
const CANCEL = 80877102

/** With the extension created in schema public. */
export async function startPglite(): Promise<VectorPostgres> {
  const database = await PGlite.create({ extensions: { vector } })
  await database.exec('CREATE EXTENSION vector')
  let turn = Promise.resolve()
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.setNoDelay())
    socket.on('error', () => {})
    let held = Buffer.alloc(0)
    socket.on('data', chunk => {
      held = Buffer.concat([held, chunk])
      for (let size = sizeOf(held); size > 0 && held.length >= size; size = sizeOf(held)) {
        const message = Uint8Array.from(held.subarray(0, size))
        const request = message[0] === 0 ? held.readInt32BE(4) : START_UP
        held = held.subarray(size)
        if (request !== START_UP) {
          // encryption is declined, a cancel has nothing to meet
          socket.write(request === CANCEL ? '' : 'N')
          continue
        }
        const onRawData = (data: Uint8Array) => void socket.write(Buffer.from(data))
        turn = turn.then(() => database.execProtocolRawStream(message, { onRawData }))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    database,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
      await turn.catch(() => {})
      await database.close()
    },
  }
}

/** Bytes of the message in front; 0 where that is not known yet. Messages of a start-up have no kind, so their first byte is 0. */
function sizeOf(held: Buffer): number {
  if (held.length < 8) return held.length >= 5 && held[0] !== 0 ? 1 + held.readInt32BE(1) : 0
  return held[0] === 0 ? held.readInt32BE(0) : 1 + held.readInt32BE(1)
}
