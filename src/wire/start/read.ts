// Reads an exact number of bytes from a socket that is not flowing yet.

import type { Duplex } from 'node:stream'

export class ConnectionClosed extends Error {
  constructor() {
    super('connection closed')
  }
}

/** Everything that has come, at least `count` bytes. The socket is left paused. Rejects when it ends before. */
export function readAtLeast(socket: Duplex, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = () => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError)
      socket.pause()
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size < count) return
      stop()
      resolve(chunks.length === 1 ? chunk : Buffer.concat(chunks))
    }
    const onError = (error: Error) => {
      stop()
      reject(error)
    }
    const onEnd = () => onError(new ConnectionClosed())
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError)
    socket.resume()
  })
}
