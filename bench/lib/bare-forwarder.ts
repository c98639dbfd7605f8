// Bytes from one socket to another and back, in Node, by as many processes on one port as the proxy has: nothing is framed, read or
// remembered. What this reaches is what the platform allows.

import cluster from 'node:cluster'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { family } from './process-table.js'
import { nextPort, startDaemon } from './run.js'

export interface BareForwarder {
  readonly port: number
  readonly pids: readonly number[]
  stop(): Promise<void>
}

export async function startBareForwarder(upstreamPort: number, processes: number): Promise<BareForwarder> {
  const port = await nextPort()
  const program = fileURLToPath(import.meta.url)
  const args = ['--import', 'tsx', program, String(port), String(upstreamPort), String(processes)]
  const daemon = await startDaemon(process.execPath, args, /forwards/)
  return { port, pids: family(daemon.pid), stop: () => daemon.stop() }
}

function forward(port: number, upstreamPort: number, listening: () => void): void {
  const pass = (from: net.Socket, to: net.Socket) => {
    from.on('data', bytes => to.write(bytes))
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
  }
  net
    .createServer({ noDelay: true }, client => {
      const server = net.connect({ port: upstreamPort, host: '127.0.0.1', noDelay: true })
      pass(client, server)
      pass(server, client)
    })
    .listen(port, '127.0.0.1', listening)
}

async function main(): Promise<void> {
  const [port, upstreamPort, processes] = process.argv.slice(2).map(Number)
  if (cluster.isWorker) return forward(port, upstreamPort, () => {})
  for (let i = 0; i < processes; i++) await new Promise(resolve => cluster.fork().once('listening', resolve))
  process.once('SIGTERM', () => process.exit())
  console.log('forwards')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
