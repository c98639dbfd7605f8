// CREATE VIEW: Postgres keeps an ordinary view, a stub in the place of each PREDICT, and a comment that makes it ours.
// CREATE MATERIALIZED VIEW: Postgres keeps an ordinary table, which every tool lists, keyed and linked to the table it is about.

import { PgError } from '../../pg-error.js'
import { buildOuter, type OuterNode, type Source } from '../outer.js'
import type { Bound, Param, Plan, Upstream } from '../plan.js'
import type { Question } from '../questions.js'
import { literal, quote } from '../quote.js'
import { highestParam, isSign, isWord, lexSql, type SqlToken } from '../sql-lexer.js'
import { definitionOf, TABLE_TAG, VIEW_TAG } from './definitions.js'
import { stubSelect } from './stub.js'

/** A plan that makes a view of predictions, or a table of them. */
export type Creating = Plan & {
  /** The view's name. */
  readonly createsView?: string
  readonly createsTable?: true
}

/** The relation that a statement makes. */
export interface Target {
  readonly schema: string | null
  readonly name: string
}

export const targetText = ({ schema, name }: Target): string =>
  `${schema === null ? '' : `${quote(schema)}.`}${quote(name)}`

const refuse = (message: string, hint: string, position: number) =>
  new PgError({ code: '0A000', message, hint, position })

/** @throws PgError for what cannot be kept for another session to read */
const refuseUnkept = (questions: readonly Question[]): void => {
  for (const { node, pick } of questions) {
    if (pick)
      throw refuse(
        'a PREDICT about the row beside it cannot be kept in a view yet',
        'Write: FROM table JOIN (PREDICT … FOR EACH table.key) AS p USING (key)',
        node.start,
      )
    if (node.options.length > 0)
      throw refuse(
        'options of predict() cannot be kept in a view',
        'Write: predict($$ … WITH (option = value) $$)',
        node.start,
      )
    if (highestParam(lexSql(node.pql)) > 0)
      throw new PgError({ code: '42P02', message: 'a view cannot hold parameters', position: node.start })
  }
}

const stubbed = (source: Source, questions: readonly Question[]): string => {
  const texts = new Map(source.nodes.map((outer, i): [OuterNode, string] => [outer, questions[i].stored()]))
  return buildOuter(source, undefined, outer => stubSelect(outer.outputs, texts.get(outer)!)).text
}

/** Puts a tag behind what the relation's comment says already. */
const tag = async (kind: 'VIEW' | 'TABLE', target: Target, text: string, upstream: Upstream): Promise<void> => {
  const name = targetText(target)
  const [[old]] = await upstream.query(
    `SELECT pg_catalog.obj_description(pg_catalog.to_regclass(${literal(name)})::pg_catalog.oid, 'pg_class')`,
  )
  const prose = old?.toString().split(VIEW_TAG)[0].split(TABLE_TAG)[0].trim() ?? ''
  await upstream.query(`COMMENT ON ${kind} ${name} IS ${literal(`${prose === '' ? '' : `${prose}\n`}${text}`)}`)
}

export const planView = (source: Source, questions: readonly Question[], target: Target): Creating => {
  refuseUnkept(questions)
  const create = stubbed(source, questions)
  const [first, second] = lexSql(create)
  // Made and tagged before the client's statement is run: that one then replaces the view by itself, and gives its own tag.
  const again = isWord(second, 'or') ? create : `${create.slice(0, first.end)} OR REPLACE ${create.slice(second.start)}`
  return {
    sql: again,
    paramTypes: [],
    hidden: 0,
    createsView: target.name,
    mapPosition: () => null,
    async run(_, upstream) {
      await upstream.query(create)
      await tag('VIEW', target, `${VIEW_TAG} ${questions.map(({ stored }) => stored()).join('\n')}`, upstream)
      return { params: [] }
    },
  }
}

/** What `planStored` is given beside the statement. */
export interface Storing {
  readonly source: Source
  readonly questions: readonly Question[]
  readonly target: Target
  /** Types of all parameters, and how to compute them. */
  readonly paramTypes: readonly number[]
  answers(upstream: Upstream): Promise<readonly Param[]>
}

/** Index of the AS in front of the query, and of the last token of it. */
const queryTokens = (tokens: readonly SqlToken[]): { readonly as: number; readonly last: number } => {
  let depth = 0
  let as = 0
  for (; as < tokens.length; as++) {
    if (isSign(tokens[as], '(')) depth++
    else if (isSign(tokens[as], ')')) depth--
    else if (depth === 0 && isWord(tokens[as], 'as')) break
  }
  const end = tokens.length - 1
  const hasData = isWord(tokens[end], 'data') && isWord(tokens[end - 1], 'with')
  return { as, last: hasData ? end - 2 : end }
}

export const planStored = ({ source, questions, target, paramTypes, answers }: Storing): Creating => {
  refuseUnkept(questions)
  const tokens = lexSql(source.sql, source.start, source.end)
  if (isWord(tokens.at(-1), 'data') && isWord(tokens.at(-2), 'no'))
    throw refuse('WITH NO DATA is not supported for stored predictions', 'Leave it out.', tokens.at(-2)!.start)
  if (isWord(tokens[3], 'if'))
    throw refuse(
      'IF NOT EXISTS is not supported for stored predictions',
      'REFRESH MATERIALIZED VIEW name',
      tokens[3].start,
    )
  const { as, last } = queryTokens(tokens)
  const query: Source = { ...source, start: tokens[as + 1].start, end: tokens[last].end }
  const name = targetText(target)
  const into = `INSERT INTO ${name} `
  const rows = buildOuter(query)
  const stub = stubbed(query, questions)
  // CREATE MATERIALIZED VIEW name …, as the table it becomes
  const table = `CREATE TABLE ${source.sql.slice(tokens[3].start, tokens[as].start)} AS ${stub} WITH NO DATA`
  return {
    sql: into + rows.text,
    paramTypes,
    hidden: paramTypes.length,
    createsTable: true,
    mapPosition: position => rows.mapPosition(position - [...into].length),
    async run(_, upstream): Promise<Bound> {
      const params = await answers(upstream)
      await upstream.query(`CREATE VIEW ${name} AS ${stub}`)
      const definition = await definitionOf(name, upstream)
      await upstream.query(`DROP VIEW ${name}`)
      await upstream.query(table)
      const [question] = questions
      if (question.node.form === 'statement') await addKeys(name, question, upstream)
      await tag('TABLE', target, `${TABLE_TAG} ${definition}`, upstream)
      return { params }
    },
  }
}

/** The key of the rows, and a foreign key to the table they are about, where the role may refer to it. */
const addKeys = async (name: string, { task }: Question, upstream: Upstream): Promise<void> => {
  const { table, key } = task.entity
  const columns = await upstream.query(
    `SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass(${literal(name)}) AND attnum BETWEEN 1 AND ${key.length} ORDER BY attnum`,
  )
  const own = columns.map(([column]) => quote(column!.toString())).join(', ')
  const attnums = key.map(({ attnum }) => attnum).toSorted((a, b) => a - b)
  const [[may]] = await upstream.query(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
       WHERE c.oid = ${table.oid} AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND pg_catalog.has_table_privilege(c.oid, 'REFERENCES')
         AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = ${key.length}
         AND ARRAY(SELECT k FROM pg_catalog.unnest((i.indkey::pg_catalog.int2[])[0:${key.length - 1}]) k ORDER BY k) = '{${attnums.join()}}'::pg_catalog.int2[])`,
  )
  const added: string[] = []
  if (task.kind === 'binary' || task.kind === 'numeric' || task.kind === 'multiclass')
    added.push(`ADD PRIMARY KEY (${own})`)
  if (may![0] === 1) {
    const referred = key.map(column => quote(column.name)).join(', ')
    // predictions about a row go when it goes, and never stand in its way
    added.push(
      `ADD FOREIGN KEY (${own}) REFERENCES ${quote(table.schema)}.${quote(table.name)} (${referred}) ON DELETE CASCADE`,
    )
  }
  if (added.length > 0) await upstream.query(`ALTER TABLE ${name} ${added.join(', ')}`)
}
