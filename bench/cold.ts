// A first PREDICT of a thousand entities, nothing cached, against features, boosting and scores end to end for the same entities.

import { spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { listOf, readFlags } from './lib/flags.js'
import { connect, startPostgres } from './lib/postgres.js'
import { root, startProxy } from './lib/proxy.js'
import { entitiesOf, predict, prepareQuestions, type Question } from './lib/questions.js'
import { createReport } from './lib/report.js'
import { alternate, ratios, spread } from './lib/stats.js'

const defaults = { databases: '', tasks: '', users: 5000, repeats: 5, entities: 1000 }

interface Boosted {
  readonly features: number
  readonly fit: number
  readonly score: number
  readonly scored: number
}

export async function cold(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const python = findPython()
  const report = createReport('cold')
  if (!python) report.note('no Python with scikit-learn, so nothing to compare with: bench/install')
  const server = await startPostgres()
  const wanted = { databases: listOf(flags.databases), tasks: listOf(flags.tasks), users: flags.users }
  const questions = await prepareQuestions(server, wanted)
  const proxy = await startProxy(server.url('postgres'))
  report.note(`${server.version}, ${flags.repeats} alternating rounds`)
  let seed = 1000
  try {
    for (const question of questions) {
      const entities = await entitiesOf(server, question, flags.entities)
      const client = await connect(proxy.url(question.database))
      const fresh = async (): Promise<number> => {
        // another seed is another context: none has been fitted for it
        const sql = predict(question, entities, `seed = ${++seed}`)
        const start = performance.now()
        await client.query(sql)
        return (performance.now() - start) / 1000
      }
      // compiles, and reads the catalog
      await fresh()
      const boosted: Boosted[] = []
      const pipeline = async (): Promise<number> => {
        const result = await boost(python!, server.url(question.database), question, entities)
        boosted.push(result)
        return result.features + result.fit + result.score
      }
      const sides: Record<string, () => Promise<number>> = python ? { fresh, pipeline } : { fresh }
      const seconds = await alternate(flags.repeats, sides)
      const asked = `${question.name}, ${entities.length} entities`
      report.note(`${asked}: PREDICT ${spread(seconds.fresh)} s`)
      if (python) {
        const of = (name: keyof Boosted) => spread(boosted.map(result => result[name]))
        report.note(`  features ${of('features')} s, fit ${of('fit')} s, score ${of('score')} s`)
        report.figure(`${asked}: speed / boosting`, ratios(seconds.pipeline, seconds.fresh), { atLeast: 10 })
      }
      await client.end()
    }
  } finally {
    await proxy.stop()
    await server.stop()
  }
  report.end()
}

function findPython(): string | undefined {
  const candidates = [process.env.PYTHON, path.join(root, 'tmp/bench-venv/bin/python'), '/usr/bin/python3', 'python3']
  return candidates.find(
    program => program && spawnSync(program, ['-c', 'import numpy, pandas, psycopg2, sklearn']).status === 0,
  )
}

function boost(python: string, url: string, question: Question, entities: readonly string[]): Promise<Boosted> {
  const { type, featureSql, labelSql, trainAnchors, anchor } = question
  const job = { url, type, feature_sql: featureSql, label_sql: labelSql, train_anchors: trainAnchors, anchor, entities }
  const child = spawn(python, [path.join(root, 'bench', 'boosting.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(job))
  let out = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error('boosting.py failed'))))
  })
}
