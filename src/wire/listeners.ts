// Where clients come in: a TCP port, a Unix socket beside it, and WebSockets for clients that can open nothing else.

import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { ClientTls, ListenOptions, Log } from './options.js'
import { KEEP_ALIVE } from './start/connect-upstream.js'

/** Bytes of a Unix socket's path, on the strictest of systems. */
const LONGEST_PATH = 103

export interface Listeners {
  readonly host: string
  readonly port: number
  /** Of WebSockets; null without them. */
  readonly wsPort: number | null
  setTls(tls: ClientTls): void
  /** Lets nobody in any more. */
  close(): void
}

/** Who comes in. `enclosed`: the transport itself encrypts, or does not, and the client can ask for nothing. */
export type OnClient = (client: Duplex, enclosed: boolean, peer: string | undefined) => void

/** Resolves when all listen; rejects, and listens nowhere, when one cannot. */
export async function openListeners(
  { host = '127.0.0.1', port, socketDir, ws }: ListenOptions,
  tls: ClientTls | undefined,
  onClient: OnClient,
  log: Log,
): Promise<Listeners> {
  const open: Server[] = []
  const close = () => {
    for (const server of open) server.close()
  }
  const postgres = () =>
    createServer({ allowHalfOpen: true, noDelay: true, ...KEEP_ALIVE }, client =>
      onClient(client, false, client.remoteAddress),
    )
  const start = async (server: Server, where: object): Promise<AddressInfo> => {
    server.listen(where)
    await once(server, 'listening')
    open.push(server)
    server.on('error', error => log.error({ err: error }, 'listener failed'))
    return server.address() as AddressInfo
  }
  try {
    const tcp = await start(postgres(), { host, port })
    if (socketDir !== undefined) {
      const file = path.join(socketDir, `.s.PGSQL.${tcp.port}`)
      // the system would cut it short without a word
      if (Buffer.byteLength(file) > LONGEST_PATH) throw new Error(`the path of a Unix socket is too long: ${file}`)
      await removeStale(file)
      await start(postgres(), { path: file })
      // who may do what is the server's to say, as it is on its own socket
      await chmod(file, 0o777)
    }
    const web = ws && webServer(tls, onClient, log)
    const at = web && (await start(web.server, { host: ws.host ?? '127.0.0.1', port: ws.port }))
    return {
      host: tcp.address,
      port: tcp.port,
      wsPort: at?.port ?? null,
      setTls: tls => web?.setTls(tls),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** A socket's file outlives a process that was killed. */
async function removeStale(file: string): Promise<void> {
  const alive = await new Promise<boolean>(resolve => {
    const probe = connect(file, () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (!alive) await rm(file, { force: true })
}

function webServer(
  tls: ClientTls | undefined,
  onClient: OnClient,
  log: Log,
): { readonly server: Server; setTls(tls: ClientTls): void } {
  const secure = tls === undefined ? null : createHttpsServer(tls)
  const server = secure ?? createHttpServer()
  // who opens it in a browser, or asks whether somebody is there
  server.on('request', (_, response) => response.writeHead(426, { upgrade: 'websocket' }).end())
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: false,
    verifyClient: ({ req }: { req: IncomingMessage }) => mayEnter(req),
  })
  sockets.on('connection', (socket, request) => {
    const client = createWebSocketStream(socket, { allowHalfOpen: true })
    request.socket.setNoDelay(true)
    onClient(client, true, request.socket.remoteAddress)
  })
  sockets.on('error', error => log.error({ err: error }, 'listener failed'))
  return { server, setTls: tls => secure?.setSecureContext(tls) }
}

/** A page of some other site, open in somebody's browser, has no business with a database that trusts the browser's machine. */
function mayEnter({ headers: { origin, host } }: IncomingMessage): boolean {
  if (origin === undefined) return true
  try {
    return new URL(origin).host === host
  } catch {
    return false
  }
}
