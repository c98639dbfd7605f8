// Random queries around two questions about users of the demo shop. The same seed gives the same query in any spelling, so that
// one asks for predictions and another reads them from tables.

import { type Random, random } from '../../src/demo/random.js'

export type Question = 'churn' | 'spend'

/** How a query says what a question answers. */
export interface Spelling {
  /** FROM item without its alias: a row for each user. */
  rows(question: Question, style: number): string
  /** FROM item: the row of the user with this key. */
  rowOf(question: Question, key: string): string
  /** Expressions about the user with this key. */
  value(question: Question, key: string): string
  probability(key: string): string
}

type Type = 'id' | 'number' | 'boolean' | 'text'

interface Column {
  readonly sql: string
  readonly type: Type
}

interface Source {
  readonly from: string
  readonly columns: readonly Column[]
  /** Never NULL unless there is no user. */
  readonly key: string
}

const NUMBERS: Record<Question, readonly string[]> = {
  churn: ['probability'],
  spend: ['prediction', 'lower', 'upper'],
}

export const randomQuery = (seed: number, spelling: Spelling): string =>
  new Writer(random(seed, 'sql'), spelling).query()

class Writer {
  #aliases = 0

  constructor(
    private readonly draw: Random,
    private readonly spelling: Spelling,
  ) {}

  query(): string {
    const writers = [
      this.#list,
      this.#list,
      this.#grouped,
      this.#window,
      this.#set,
      this.#cte,
      this.#distinct,
      this.#values,
    ]
    return this.draw.pick(writers).call(this)
  }

  #alias(letter: string): string {
    return `${letter}${++this.#aliases}`
  }

  #question(): Question {
    return this.draw.pick(['churn', 'spend'] as const)
  }

  #users(alias: string): Column[] {
    return [
      { sql: `${alias}.user_id`, type: 'id' },
      { sql: `${alias}.country`, type: 'text' },
      { sql: `${alias}.channel::text`, type: 'text' },
      { sql: `${alias}.marketing`, type: 'boolean' },
    ]
  }

  #predicted(alias: string, question: Question): Column[] {
    return [
      { sql: `${alias}.user_id`, type: 'id' },
      ...NUMBERS[question].map((name): Column => ({ sql: `${alias}.${name}`, type: 'number' })),
      ...(question === 'churn' ? [{ sql: `${alias}.prediction`, type: 'boolean' } as const] : []),
    ]
  }

  #rows(question: Question): string {
    return this.spelling.rows(question, this.draw.integer(0, 2))
  }

  #source(): Source {
    const { draw } = this
    const question = this.#question()
    const [u, p] = [this.#alias('u'), this.#alias('p')]
    const columns = [...this.#users(u), ...this.#predicted(p, question)]
    const rows = this.#rows(question)
    switch (draw.integer(0, 7)) {
      case 0:
        return { from: `${rows} AS ${p}`, columns: this.#predicted(p, question), key: `${p}.user_id` }
      case 1:
        return { from: `users ${u} JOIN ${rows} ${p} USING (user_id)`, columns, key: `${u}.user_id` }
      case 2: {
        const join = draw.pick(['LEFT', 'RIGHT', 'FULL', 'INNER'])
        const more = draw.chance(0.3) && join !== 'FULL' ? ` AND ${this.#condition(columns, 0)}` : ''
        return {
          from: `users ${u} ${join} JOIN ${rows} AS ${p} ON ${p}.user_id = ${u}.user_id${more}`,
          columns,
          key: `${u}.user_id`,
        }
      }
      case 3: {
        const [o, s] = [this.#alias('o'), this.#alias('s')]
        const other = this.#question()
        return {
          from: `${rows} ${p} JOIN ${this.#rows(other)} ${s} USING (user_id) JOIN orders ${o} USING (user_id)`,
          columns: [
            ...this.#predicted(p, question),
            ...this.#predicted(s, other),
            { sql: `${o}.total`, type: 'number' },
          ],
          key: `${p}.user_id`,
        }
      }
      case 7: {
        // a join behind may give rows without those in front
        const v = this.#alias('v')
        const behind = `${draw.pick(['LEFT', 'RIGHT', 'FULL', 'INNER'])} JOIN users ${v} ON ${v}.user_id = ${u}.user_id + ${draw.integer(0, 40)}`
        const item = draw.pick([
          `${draw.pick(['', 'LEFT '])}JOIN ${rows} ${p} ON ${p}.user_id = ${u}.user_id`,
          `CROSS JOIN ${this.spelling.rowOf(question, `${u}.user_id`)} ${p}`,
        ])
        return { from: `users ${u} ${item} ${behind}`, columns: [...columns, ...this.#users(v)], key: `${u}.user_id` }
      }
      case 4:
        return {
          from: `users ${u}, ${this.spelling.rowOf(question, `${u}.user_id`)} ${p}`,
          columns,
          key: `${u}.user_id`,
        }
      case 5:
        return {
          from: `users ${u} LEFT JOIN ${this.spelling.rowOf(question, `${u}.user_id`)} ${p} ON ${this.#condition(columns, 0)}`,
          columns,
          key: `${u}.user_id`,
        }
      default: {
        const q = this.#alias('q')
        const inner = `SELECT ${p}.*, ${u}.country FROM users ${u} JOIN ${rows} ${p} ON ${u}.user_id = ${p}.user_id WHERE ${this.#condition(columns, 1)}`
        return {
          from: `(${inner}) ${q}`,
          columns: [...this.#predicted(q, question), { sql: `${q}.country`, type: 'text' }],
          key: `${q}.user_id`,
        }
      }
    }
  }

  #condition(columns: readonly Column[], depth: number): string {
    const { draw } = this
    if (depth > 0 && draw.chance(0.5)) {
      const parts = [this.#condition(columns, depth - 1), this.#condition(columns, depth - 1)]
      return draw.chance(0.2) ? `NOT (${parts[0]})` : `(${parts.join(draw.pick([' AND ', ' OR ']))})`
    }
    const { sql, type } = draw.pick(columns)
    if (depth > 0 && type === 'id' && draw.chance(0.6)) return this.#membership(sql)
    switch (type) {
      case 'id':
        return draw.pick([
          `${sql} % 3 = ${draw.integer(0, 2)}`,
          `${sql} < ${draw.integer(10, 150)}`,
          `${sql} IS NOT NULL`,
        ])
      case 'number':
        return draw.pick([
          `${sql} > ${(draw.uniform() * 0.8).toFixed(2)}`,
          `${sql} BETWEEN 0.2 AND ${draw.integer(1, 60)}`,
          `coalesce(${sql}, 0) < ${draw.integer(1, 40)}`,
        ])
      case 'boolean':
        return draw.pick([sql, `NOT ${sql}`, `${sql} IS NULL`, `${sql} IS NOT TRUE`])
      case 'text':
        return draw.pick([`${sql} IS NULL`, `${sql} IN ('US', 'FR', 'search')`, `${sql} < 'm'`, `${sql} LIKE '%r%'`])
    }
  }

  #membership(id: string): string {
    const question = this.#question()
    const q = this.#alias('q')
    const inner = this.#condition(this.#predicted(q, question).slice(1), 0)
    return this.draw.pick([
      `${id} IN (SELECT user_id FROM ${this.#rows(question)} ${q} WHERE ${inner})`,
      `EXISTS (SELECT 1 FROM ${this.#rows(question)} ${q} WHERE ${q}.user_id = ${id} AND ${inner})`,
      `${id} > ALL (SELECT ${q}.user_id FROM ${this.#rows(question)} ${q} WHERE ${inner} AND ${q}.user_id < 9)`,
    ])
  }

  /** Some columns, the key among them, so that no two rows look alike by chance alone. */
  #chosen({ columns, key }: Source): string[] {
    return [key, ...columns.filter(({ sql }) => sql !== key && this.draw.chance(0.5)).map(({ sql }) => sql)]
  }

  #where(source: Source): string {
    return this.draw.chance(0.75) ? ` WHERE ${this.#condition(source.columns, 2)}` : ''
  }

  #order(count: number): string {
    const keys = Array.from({ length: count }, (_, i) => `${i + 1}${this.draw.pick(['', ' DESC', ' NULLS FIRST'])}`)
    const limit = this.draw.chance(0.6) ? ` LIMIT ${this.draw.integer(1, 30)}` : ''
    return ` ORDER BY ${keys.join(', ')}${limit}${this.draw.chance(0.2) ? ` OFFSET ${this.draw.integer(0, 9)}` : ''}`
  }

  #list(): string {
    const source = this.#source()
    const items = this.#chosen(source)
    return `SELECT ${items.join(', ')} FROM ${source.from}${this.#where(source)}${this.#order(items.length)}`
  }

  #grouped(): string {
    const { draw } = this
    const source = this.#source()
    const group = draw.pick(source.columns.filter(({ type }) => type !== 'number')).sql
    const numbers = source.columns.filter(({ type }) => type === 'number').map(({ sql }) => sql)
    const by = draw.pick([group, `${group} IS NULL`, `(${source.key} % 5)`])
    // sums over numeric, which no order of rows changes
    const items = [
      by,
      'count(*)',
      ...numbers.map(n =>
        draw.pick([`sum(${n}::numeric)`, `max(${n})`, `count(${n}) FILTER (WHERE ${n} > 0.3)`, `avg(${n}::numeric)`]),
      ),
    ]
    const having = draw.chance(0.5) ? ` HAVING count(*) > ${draw.integer(1, 6)}` : ''
    return `SELECT ${items.join(', ')} FROM ${source.from}${this.#where(source)} GROUP BY ${draw.chance(0.2) ? `ROLLUP (${by})` : by}${having}${this.#order(items.length)}`
  }

  #window(): string {
    const { draw } = this
    const source = this.#source()
    const items = this.#chosen(source)
    const partition = draw.chance(0.5) ? `PARTITION BY ${source.key} % 4 ` : ''
    const call = draw.pick(['rank()', 'dense_rank()', 'count(*)', `max(${source.key})`, 'percent_rank()'])
    const over = draw.pick(source.columns).sql
    return `SELECT ${items.join(', ')}, ${call} OVER (${partition}ORDER BY ${over}) AS w FROM ${source.from}${this.#where(source)}${this.#order(items.length + 1)}`
  }

  #set(): string {
    const { draw } = this
    const arm = () => {
      const source = this.#source()
      return `SELECT ${source.key} AS id FROM ${source.from}${this.#where(source)}`
    }
    const operator = draw.pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT', 'EXCEPT ALL', 'INTERSECT ALL'])
    return `(${arm()}) ${operator} (${arm()})${this.#order(1)}`
  }

  #cte(): string {
    const { draw } = this
    const inner = this.#list()
    const question = this.#question()
    const p = this.#alias('p')
    const more = `p2 AS (SELECT user_id, ${NUMBERS[question][0]} AS n FROM ${this.#rows(question)} ${p})`
    return `WITH x (id) AS ${draw.pick(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])}(${inner}), ${more} SELECT x.id, p2.n FROM x ${draw.pick(['LEFT ', ''])}JOIN p2 ON p2.user_id = x.id${this.#order(2)}`
  }

  #distinct(): string {
    const source = this.#source()
    const items = source.columns.filter(({ type }) => type !== 'id').slice(0, 2)
    if (this.draw.chance(0.5))
      return `SELECT DISTINCT ${items.map(({ sql }) => sql).join(', ')} FROM ${source.from}${this.#where(source)}`
    return `SELECT DISTINCT ON (${items[0].sql}) ${items[0].sql}, ${source.key} FROM ${source.from}${this.#where(source)} ORDER BY 1, 2`
  }

  /** Predictions as values, over users or over their orders. */
  #values(): string {
    const { draw, spelling } = this
    const [o, u] = [this.#alias('o'), this.#alias('u')]
    const overOrders = draw.chance(0.5)
    const from = overOrders ? `orders ${o} JOIN users ${u} ON ${u}.user_id = ${o}.user_id` : `users ${u}`
    const columns = [...this.#users(u), ...(overOrders ? [{ sql: `${o}.total`, type: 'number' } as const] : [])]
    const key = draw.pick([`${u}.user_id`, ...(overOrders ? [`${o}.user_id`] : [])])
    const items = [
      overOrders ? `${o}.order_id` : `${u}.user_id`,
      spelling.value('spend', key),
      spelling.probability(key),
    ]
    const filter = draw.pick([
      this.#condition(columns, 1),
      `${this.#condition(columns, 0)} AND ${spelling.probability(key)} > 0.3`,
      `${spelling.value('churn', key)} OR ${this.#condition(columns, 0)}`,
    ])
    if (draw.chance(0.4))
      return `SELECT ${u}.country, count(*), max(${items[2]}), sum((${items[1]})::numeric) FROM ${from} WHERE ${filter} GROUP BY 1 HAVING min(${items[2]}) < 0.9 ORDER BY 1`
    return `SELECT ${items.join(', ')} FROM ${from} WHERE ${filter}${this.#order(3)}`
  }
}
