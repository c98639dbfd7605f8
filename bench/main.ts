// `npm run bench -- NAME [flags]`: one benchmark a question; without a name, the names.

const benchmarks: Record<
  string,
  { readonly asks: string; load(): Promise<(args: readonly string[]) => Promise<void>> }
> = {
  'pass-through': {
    asks: 'what does the proxy cost ordinary queries, beside pgbouncer and beside nothing?',
    load: async () => (await import('./pass-through.js')).passThrough,
  },
  copy: {
    asks: 'what does it cost COPY and a SELECT of a million rows?',
    load: async () => (await import('./copy.js')).copy,
  },
  interception: {
    asks: 'what does looking for PREDICT cost the messages that hold none?',
    load: async () => (await import('./interception.js')).interception,
  },
  'one-entity': {
    asks: 'how long does a warm PREDICT for one entity take, beside its hand-written feature SQL?',
    load: async () => (await import('./one-entity.js')).oneEntity,
  },
  cold: {
    asks: 'how long does a first PREDICT of 1,000 entities take, beside features, boosting and scores?',
    load: async () => (await import('./cold.js')).cold,
  },
  bulk: {
    asks: 'how many entities a second does FOR EACH give?',
    load: async () => (await import('./bulk.js')).bulk,
  },
  large: {
    asks: 'answers of 100,000 entities over large tables: the first row, all rows, memory, cancelling, one entity',
    load: async () => (await import('./large.js')).large,
  },
  stages: {
    asks: 'where does the time of a PREDICT go?',
    load: async () => (await import('./stages.js')).stages,
  },
  'beside-bulk': {
    asks: 'how much slower do ordinary queries get while a bulk PREDICT runs?',
    load: async () => (await import('./beside-bulk.js')).besideBulk,
  },
  network: {
    asks: 'what does a pre-trained network cost: a context encoded, one query, a thousand?',
    load: async () => (await import('./network.js')).network,
  },
  memory: {
    asks: 'how much memory do the proxy, inference and an idle connection take?',
    load: async () => (await import('./memory.js')).memory,
  },
}

const [name, ...args] = process.argv.slice(2)
const benchmark = benchmarks[name]
if (!benchmark) {
  const width = Math.max(...Object.keys(benchmarks).map(known => known.length))
  console.log('npm run bench -- NAME [flags]\n')
  for (const [known, { asks }] of Object.entries(benchmarks)) console.log(`  ${known.padEnd(width)}  ${asks}`)
  process.exitCode = name === undefined ? 0 : 2
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  try {
    await (await benchmark.load())(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  }
}
