// Where the time of a PREDICT goes: the product put together in this process, with a clock around each of its parts. The inference
// process reports its own stages; of a question about the past, the pass that looks for changing columns counts in both.

import { createGraphCache } from '../src/graph/catalog/index.js'
import { createInferClient } from '../src/infer/client.js'
import { createAnswer } from '../src/rewrite/answer.js'
import type { Rewriter, Upstream } from '../src/rewrite/plan.js'
import { createRewriter } from '../src/rewrite/rewriter.js'
import { createProxy } from '../src/wire/proxy.js'
import { listOf, readFlags } from './lib/flags.js'
import { connect, startPostgres } from './lib/postgres.js'
import { entitiesOf, predict, prepareQuestions } from './lib/questions.js'
import { createReport } from './lib/report.js'
import { nextPort } from './lib/run.js'
import { median, short } from './lib/stats.js'

const defaults = { databases: 'shop', tasks: '', users: 5000, repeats: 20 }

/** Milliseconds by stage, in the order of their first end. */
type Clock = Map<string, number>

export async function stages(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('stages')
  const server = await startPostgres()
  const wanted = { databases: listOf(flags.databases), tasks: listOf(flags.tasks), users: flags.users }
  const questions = await prepareQuestions(server, wanted)
  let clock: Clock = new Map()
  const product = await startTimed(server.port, () => clock)
  try {
    for (const question of questions) {
      const client = await connect(`postgres://postgres@127.0.0.1:${product.port}/${question.database}`)
      const entities = await entitiesOf(server, question, 1000)
      const measure = async (name: string, repeats: number, sql: (round: number) => string): Promise<void> => {
        const clocks: Clock[] = []
        for (let round = 0; round < repeats; round++) {
          clock = new Map()
          const start = performance.now()
          await client.query(sql(round))
          clock.set('at the client', performance.now() - start)
          clocks.push(clock)
        }
        report.note(`${question.name}, ${name} (median of ${repeats}, ms)`)
        for (const stage of new Set(clocks.flatMap(c => [...c.keys()])))
          report.note(`    ${stage.padEnd(46)} ${short(median(clocks.map(c => c.get(stage) ?? 0))).padStart(8)}`)
      }
      await measure('the very first', 1, () => predict(question, [entities[0]]))
      await measure('one entity, warm', flags.repeats, round => predict(question, [entities[round % entities.length]]))
      const few = Math.max(1, Math.round(flags.repeats / 5))
      await measure(`${entities.length} entities, cold`, few, round =>
        predict(question, entities, `seed = ${1000 + round}`),
      )
      await measure(`${entities.length} entities, warm`, few, () => predict(question, entities))
      await measure('for each, warm', few, () => predict(question, 'each'))
      await client.end()
    }
  } finally {
    await product.stop()
    await server.stop()
  }
  report.end()
}

/** As the service does it, each part timed. */
async function startTimed(upstreamPort: number, clock: () => Clock): Promise<{ port: number; stop(): Promise<void> }> {
  const add = (name: string, ms: number) => clock().set(name, (clock().get(name) ?? 0) + ms)
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    try {
      return await work()
    } finally {
      add(name, performance.now() - start)
    }
  }
  const graphs = createGraphCache()
  const infer = createInferClient()
  await infer.ready
  const answer = createAnswer({
    graphs,
    infer: {
      ...infer,
      ready: infer.ready,
      job(request, signal) {
        const job = infer.job(request, signal)
        const end = async () => {
          const result = await timed('  from the last row to the result', () => job.end())
          for (const [stage, ms] of Object.entries(result.summary.milliseconds)) add(`    inference: ${stage}`, ms)
          return result
        }
        return { ...job, end }
      },
    },
  })
  const rewriting = createRewriter({
    async catalog(upstream) {
      const facts = await graphs.facts(upstream)
      const settings = Object.fromEntries(
        Object.entries(facts.options).map(([name, value]) => [`predict.${name}`, value]),
      )
      return { ...(await graphs.get(upstream, facts)), settings }
    },
    async *answer(task, outputs, params, upstream, around) {
      const slices = answer(task, outputs, params, watched(upstream, timed), around)[Symbol.asyncIterator]()
      for (;;) {
        const slice = await timed('answer', () => slices.next())
        if (slice.done) return
        yield slice.value
      }
    },
  })
  const port = await nextPort()
  const upstream = { host: '127.0.0.1', port: upstreamPort, tls: 'disable' } as const
  const open = (database: string): Rewriter => {
    const rewriter = rewriting.open(database)
    return { ...rewriter, plan: (...given) => timed('plan', () => rewriter.plan(...given)) }
  }
  const proxy = await createProxy({ listen: { port }, upstream, rewriter: { open } })
  return {
    port,
    async stop() {
      await proxy.close(0)
      await infer.close()
    },
  }
}

type Timed = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** The statements that an answer runs on the client's session, by what they are. */
function watched(upstream: Upstream, timed: Timed): Upstream {
  const nameOf = (sql: string): string =>
    sql.includes('set_config')
      ? 'settings'
      : /row_security|current_user/.test(sql)
        ? "the session's facts"
        : 'the anchor'
  return new Proxy(upstream, {
    get(target, property) {
      const value = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      if (property === 'query')
        return (sql: string, ...rest: []) => timed(`  ${nameOf(sql)}`, () => target.query(sql, ...rest))
      if (property === 'stream' || property === 'streamPrepared')
        return (...given: Parameters<Upstream['stream']>) => timed('  extraction', () => target[property](...given))
      return value.bind(target)
    },
  })
}
