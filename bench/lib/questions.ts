// The databases that PREDICT is measured on, and the questions asked of each: the demo's shop, and those under ../shared/data where
// they are.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { writeShop } from '../../src/demo/shop.js'
import { ask, connect, type Postgres } from './postgres.js'
import { root } from './proxy.js'
import { run } from './run.js'
import { SHOP_TASKS } from './shop-tasks.js'

export interface Question {
  readonly database: string
  /** `shop churn` */
  readonly name: string
  readonly type: 'binary' | 'regression'
  /** With a bare FOR EACH and no AS OF. */
  readonly pql: string
  /** Of all entities, {t} the anchor; the key is called entity. */
  readonly featureSql: string
  /** The same, written for {entity} alone; where somebody has written that. */
  readonly oneSql?: string
  readonly labelSql: string
  readonly trainAnchors: readonly string[]
  /** Without a time zone: the servers of the benchmarks keep UTC. */
  readonly anchor: string
}

const DATA = path.join(root, '..', 'shared', 'data')
const FOLDERS = ['f1', 'onlineretail', 'movielens', 'completejourney', 'olist']

export interface Wanted {
  /** Names of databases; empty: all. */
  readonly databases: readonly string[]
  /** Names of tasks; empty: all. */
  readonly tasks: readonly string[]
  /** Size of the shop. */
  readonly users: number
}

/** Fills the databases and gives their questions. */
export async function prepareQuestions(server: Postgres, { databases, tasks, users }: Wanted): Promise<Question[]> {
  const questions: Question[] = []
  const wanted = (name: string) => databases.length === 0 || databases.includes(name)
  if (wanted('shop')) questions.push(...(await fillShop(server, users)))
  for (const folder of FOLDERS) {
    if (wanted(folder) && existsSync(path.join(DATA, folder))) questions.push(...(await fillFrom(server, folder)))
  }
  return questions.filter(question => tasks.length === 0 || tasks.includes(question.name.split(' ')[1]))
}

async function fillShop(server: Postgres, users: number): Promise<Question[]> {
  const client = await connect(await server.createDatabase('shop'))
  await writeShop(client, { seed: 1, now: new Date(), users })
  await client.end()
  const anchor = await ask(server.url('shop'), 'SELECT max(created_at)::timestamp::text FROM orders')
  const before = (days: number) =>
    new Date(new Date(`${anchor.replace(' ', 'T')}Z`).getTime() - days * 86_400_000).toISOString().slice(0, 19)
  // six windows of thirty days that have closed by then
  const trainAnchors = [6, 5, 4, 3, 2, 1].map(back => before(30 * back))
  return SHOP_TASKS.map(task => ({ ...task, database: 'shop', name: `shop ${task.name}`, trainAnchors, anchor }))
}

interface TaskFile {
  readonly tasks: readonly {
    readonly name: string
    readonly type: string
    readonly pql: string
    readonly feature_sql?: string
    readonly label_sql: string
    readonly train_anchors: readonly string[]
    readonly test_anchors: readonly string[]
  }[]
}

async function fillFrom(server: Postgres, database: string): Promise<Question[]> {
  const folder = path.join(DATA, database)
  await server.createDatabase(database)
  const env = {
    ...process.env,
    PGHOST: '127.0.0.1',
    PGPORT: String(server.port),
    PGUSER: 'postgres',
    PGDATABASE: database,
  }
  await run('bash', [path.join(folder, 'load.sh')], { env })
  const { tasks } = JSON.parse(await readFile(path.join(folder, 'tasks.json'), 'utf8')) as TaskFile
  return tasks.flatMap(task => {
    const asked = (task.type === 'binary' || task.type === 'regression') && task.feature_sql
    // an imputation asks as of each row's own time, which no single anchor stands for
    if (!asked || /AS OF ENTITY TIME/.test(task.pql)) return []
    return {
      database,
      name: `${database} ${task.name}`,
      type: task.type as Question['type'],
      pql: task.pql,
      featureSql: task.feature_sql!,
      labelSql: task.label_sql,
      trainAnchors: task.train_anchors,
      anchor: task.test_anchors[0],
    }
  })
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The feature SQL at the anchor. */
export const featuresAt = ({ featureSql, anchor }: Question): string =>
  featureSql.replaceAll('{t}', `TIMESTAMP '${anchor}'`)

/** Up to `most` entities that have features at the anchor, in no telling order. */
export async function entitiesOf(server: Postgres, question: Question, most: number): Promise<string[]> {
  const client = await connect(server.url(question.database))
  try {
    const sql = `SELECT entity::text FROM (${featuresAt(question)}) f ORDER BY pg_catalog.md5(entity::text) LIMIT ${most}`
    return (await client.query(sql)).rows.map(row => row.entity)
  } finally {
    await client.end()
  }
}

/** The features of one entity: those of all, restricted. */
export const featuresOfOne = (question: Question, entity: string): string =>
  `SELECT * FROM (${featuresAt(question)}) f WHERE f.entity::text = ${quote(entity)}`

/** The features of one entity as they are written for one; null where they are not. */
export const featuresForOne = ({ oneSql, anchor }: Question, entity: string): string | null =>
  oneSql?.replaceAll('{t}', `TIMESTAMP '${anchor}'`).replaceAll('{entity}', quote(entity)) ?? null

/** The question as of the anchor, for these entities, or for each. */
export function predict(question: Question, entities: readonly string[] | 'each', options = ''): string {
  const named =
    entities === 'each'
      ? (key: string) => `FOR EACH ${key}`
      : entities.length === 1
        ? (key: string) => `FOR ${key} = ${quote(entities[0])}`
        : (key: string) => `FOR ${key} IN (${entities.map(quote).join(', ')})`
  const asked = question.pql.replace(/FOR EACH ([\w.]+)/, (_, key: string) => named(key))
  return `${asked} AS OF '${question.anchor}'${options && ` WITH (${options})`}`
}
