// A running proxy with everything behind it: graph, inference, rewriter, listener. In one process; workers.ts makes several of them one.

import { readFile } from 'node:fs/promises'
import type { Config } from '../config/config.js'
import { createGraphCache } from '../graph/catalog/index.js'
import { createInferClient, type InferClient } from '../infer/client.js'
import type { SpawnOptions } from '../infer/process/spawn.js'
import { createAnswer } from '../rewrite/answer.js'
import type { Rewriting } from '../rewrite/plan.js'
import { createRewriter } from '../rewrite/rewriter.js'
import type { ClientTls, Limits, Log, ProxyOptions } from '../wire/options.js'
import { createProxy } from '../wire/proxy.js'
import { upstreamChoice } from './upstream-choice.js'

export interface Service {
  readonly host: string
  readonly port: number
  /** Where it listens for WebSockets, or null. */
  readonly wsPort: number | null
  /** Other settings for whoever comes from now on; where it listens stays. Rejects, and changes nothing, where one cannot be used. */
  reload(config: Config): Promise<void>
  /** Lets statements finish for `grace` milliseconds, then ends them; stops the inference process. */
  stop(grace?: number): Promise<void>
}

/** What a service shares with the other processes behind its port. */
export interface Shared extends Pick<ProxyOptions, 'onForeignCancel' | 'elsewhere'> {
  /** Of the one inference process. */
  readonly inferSocket: string
}

export interface OneOfSeveral extends Service {
  /** Cancels what the session with this key does; false: it is not here. */
  cancel(key: Buffer): Promise<boolean>
}

/** Resolves when clients may connect. Without `shared` it has an inference process of its own. */
export async function startService(config: Config, log: Log, shared?: Shared): Promise<OneOfSeveral> {
  const infer = createInferClient({
    socketPath: shared?.inferSocket,
    onResult: ({ count, cache, contextRows, milliseconds }) =>
      log.debug({ entities: count, cache, contextRows, milliseconds }, 'inference done'),
    ...inference(config, log),
  })
  try {
    let now = await inForce(config, infer)
    await infer.ready
    const proxy = await createProxy({
      listen: {
        ...config.listen,
        socketDir: config.socketDir ?? undefined,
        ws: config.listenWs ?? undefined,
      },
      upstream: {
        get servers() {
          return now.upstream.servers
        },
        candidates: () => now.upstream.candidates(),
      },
      tls: now.tls,
      limits: now.limits,
      rewriter: { open: database => now.rewriter.open(database) },
      log,
      onForeignCancel: shared?.onForeignCancel,
      elsewhere: shared?.elsewhere,
    })
    return {
      host: proxy.host,
      port: proxy.port,
      wsPort: proxy.wsPort,
      async reload(config) {
        const next = await inForce(config, infer)
        if (next.tls) proxy.setTls(next.tls)
        proxy.setLimits(next.limits)
        now = next
      },
      cancel: key => proxy.cancel(key),
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

/** How the inference process is started, and watched. */
export const inference = (config: Config, log: Log): SpawnOptions => ({
  model: config.model,
  onWarning: (warning, model) => log.warn({ model }, warning),
  onExit: (code, signal) => log.warn({ code, signal }, 'the inference process ended and is started again'),
})

/** What the settings make of a proxy, as far as it can change while it runs. */
async function inForce(config: Config, infer: InferClient) {
  const { tls } = config
  return {
    upstream: await upstreamChoice(config.upstream),
    tls: tls ? ({ cert: await readFile(tls.cert), key: await readFile(tls.key) } satisfies ClientTls) : undefined,
    limits: limitsOf(config.limits),
    rewriter: rewriting(config, infer),
  }
}

const limitsOf = (limits: Config['limits']): Limits => ({
  sessions: limits.connections,
  message: limits.messageMegabytes * 2 ** 20,
  idle: limits.idleSeconds * 1000,
  login: limits.loginSeconds * 1000,
})

function rewriting(config: Config, infer: InferClient): Rewriting {
  const graphs = createGraphCache({ declared: config.schema })
  return createRewriter({
    async catalog(upstream) {
      const facts = await graphs.facts(upstream)
      const settings = Object.fromEntries(
        Object.entries(facts.options).map(([name, value]) => [`predict.${name}`, value]),
      )
      return { ...(await graphs.get(upstream, facts)), settings }
    },
    answer: createAnswer({ graphs, infer }),
  })
}
