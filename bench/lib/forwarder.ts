// A process that forwards for one side of the interception benchmark: our own proxy as it is ("scan"), or the same one told that no
// text concerns it ("blind"). It also replays recorded frames through its session's streams, without sockets, when asked to.

import { createRewriter } from '../../src/rewrite/rewriter.js'
import { mayConcern as scan } from '../../src/rewrite/scan.js'
import { ClientStream } from '../../src/wire/client-stream.js'
import { Expected } from '../../src/wire/expected.js'
import { Flow } from '../../src/wire/flow.js'
import { MAX_LENGTH } from '../../src/wire/messages/header.js'
import { createProxy } from '../../src/wire/proxy.js'
import { ServerStream } from '../../src/wire/server-stream.js'
import { recorded } from './frames.js'

const [kind, port, upstreamPort] = process.argv.slice(2)

const unused = (): never => {
  throw new Error('no text of this benchmark holds a PREDICT')
}
const rewriter = createRewriter({ catalog: unused, answer: unused }).open('')
const mayConcern = kind === 'scan' ? scan : () => false

await createProxy({
  listen: { port: Number(port) },
  upstream: { host: '127.0.0.1', port: Number(upstreamPort), tls: 'disable' },
  rewriter: { open: () => ({ ...rewriter, mayConcern }) },
})

/** Nanoseconds of CPU a statement, over `statements` of them. */
function replay(statements: number): number {
  const expected = new Expected()
  const flow = new Flow()
  let written = 0
  const write = (bytes: Buffer) => {
    written += bytes.length
  }
  const nothing = () => {}
  const violation = (reason: string) => {
    throw new Error(reason)
  }
  const toServer = new ClientStream({
    expected,
    flow,
    intercepts: false,
    unfinished: false,
    longest: MAX_LENGTH,
    write,
    mayConcern,
    touches: () => false,
    intercept: unused,
    hold: nothing,
    violation,
    fail: nothing,
  })
  const toClient = new ServerStream({
    expected,
    flow,
    write,
    parameter: nothing,
    command: nothing,
    skipping: nothing,
    settled: nothing,
    hold: nothing,
    violation,
    fail: nothing,
  })
  const before = process.cpuUsage()
  for (let i = 0; i < statements; i++) {
    const { asked, answered } = recorded[i % recorded.length]
    toServer.feed(asked)
    toClient.feed(answered)
  }
  const { user, system } = process.cpuUsage(before)
  if (written === 0 || !expected.quiet) throw new Error('the replay went wrong')
  return ((user + system) * 1000) / statements
}

process.on('message', statements => process.send!(replay(Number(statements))))
console.log('forwards')
