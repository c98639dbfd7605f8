// A running proxy with everything behind it: graph, inference process, rewriter, listener.

import { readFile } from 'node:fs/promises'
import type { Config } from '../config/config.js'
import { createGraphCache } from '../graph/catalog/index.js'
import { createInferClient } from '../infer/client.js'
import { createAnswer } from '../rewrite/answer.js'
import { createRewriter } from '../rewrite/rewriter.js'
import type { Log } from '../wire/options.js'
import { createProxy } from '../wire/proxy.js'
import { upstreamOptions } from './upstream-options.js'

export interface Service {
  readonly host: string
  readonly port: number
  /** Lets statements finish for `grace` milliseconds, then ends them; stops the inference process. */
  stop(grace?: number): Promise<void>
}

/** Resolves when clients may connect. */
export async function startService(config: Config, log: Log): Promise<Service> {
  const upstream = await upstreamOptions(config.upstream)
  const tls = config.tls ? { cert: await readFile(config.tls.cert), key: await readFile(config.tls.key) } : undefined
  const graphs = createGraphCache({ declared: config.schema })
  const infer = createInferClient({
    model: config.model,
    onWarning: (warning, model) => log.warn({ model }, warning),
    onExit: (code, signal) => log.warn({ code, signal }, 'the inference process ended and is started again'),
  })
  try {
    await infer.ready
    const rewriter = createRewriter({
      async catalog(upstream) {
        const facts = await graphs.facts(upstream)
        const settings = Object.fromEntries(
          Object.entries(facts.options).map(([name, value]) => [`predict.${name}`, value]),
        )
        return { ...(await graphs.get(upstream, facts)), settings }
      },
      answer: createAnswer({ graphs, infer }),
    })
    const proxy = await createProxy({ listen: config.listen, upstream, tls, rewriter, log })
    return {
      host: proxy.host,
      port: proxy.port,
      async stop(grace) {
        await proxy.close(grace)
        await infer.close()
      },
    }
  } catch (error) {
    await infer.close()
    throw error
  }
}
