// CREATE MATERIALIZED VIEW: Postgres keeps an ordinary table, which every tool lists, keyed and linked to the table it is about, and a
// comment that says how its rows are made.

import { PgError } from '../../pg-error.js'
import { buildOuter, type Source } from '../outer.js'
import { type Bound, type Param, type TypedParam, textParam, type Upstream } from '../plan.js'
import { utf16Offset } from '../postgres-parser.js'
import type { Question } from '../questions.js'
import { literal, quote } from '../quote.js'
import type { SegmentText } from '../segment-text.js'
import { isSign, isWord, lexSql, type SqlToken } from '../sql-lexer.js'
import { type Creating, refuseUnkept, stubbed } from './create.js'
import { definitionOf } from './definitions.js'
import { keptText } from './kept-text.js'
import { type Target, tagSql, targetText } from './tags.js'

/** What `planStored` is given beside the statement. */
export interface Storing {
  readonly source: Source
  readonly questions: readonly Question[]
  readonly target: Target
  /** Types of all parameters, and how to compute them. */
  readonly paramTypes: readonly number[]
  answers(upstream: Upstream): Promise<readonly Param[]>
}

/** The parts of CREATE MATERIALIZED VIEW [IF NOT EXISTS] name … AS query [WITH [NO] DATA]. */
interface Parts {
  readonly ifNotExists: boolean
  /** Where its name begins. */
  readonly name: number
  /** The AS in front of the query. */
  readonly as: SqlToken
  readonly query: { readonly start: number; readonly end: number }
  readonly withData: boolean
}

const partsOf = (tokens: readonly SqlToken[]): Parts => {
  let depth = 0
  let as = 0
  for (; as < tokens.length; as++) {
    if (isSign(tokens[as], '(')) depth++
    else if (isSign(tokens[as], ')')) depth--
    else if (depth === 0 && isWord(tokens[as], 'as')) break
  }
  const end = tokens.length - 1
  const withNo = isWord(tokens[end], 'data') && isWord(tokens[end - 1], 'no') && isWord(tokens[end - 2], 'with')
  const withData = isWord(tokens[end], 'data') && isWord(tokens[end - 1], 'with')
  const ifNotExists = isWord(tokens[3], 'if') && isWord(tokens[4], 'not')
  return {
    ifNotExists,
    name: tokens[ifNotExists ? 6 : 3].start,
    as: tokens[as],
    query: { start: tokens[as + 1].start, end: tokens[withNo ? end - 3 : withData ? end - 2 : end].end },
    withData: !withNo,
  }
}

export const CREATED = 'CREATE MATERIALIZED VIEW'

export const planStored = ({ source, questions, target, paramTypes, answers }: Storing): Creating => {
  const [, unlogged] = lexSql(source.sql, source.start, source.end)
  if (isWord(unlogged, 'unlogged'))
    throw new PgError({ code: '0A000', message: 'materialized views cannot be unlogged', position: unlogged.start })
  refuseUnkept(source, questions)
  const parts = partsOf(lexSql(source.sql, source.start, source.end))
  const query: Source = { ...source, ...parts.query }
  const [question] = questions
  /** Nothing stands around it. */
  const alone = question.node.form === 'statement' && !question.syntax.tail ? question : null
  const rows = buildOuter(query)
  const stub = stubbed(query, questions)
  return {
    // run in its place: there is no table yet that a statement could name
    sql: `COMMENT ON TABLE ${targetText(target)} IS NULL`,
    paramTypes: [],
    hidden: 0,
    createsTable: true,
    createsView: parts.withData ? undefined : target.name,
    mapPosition: () => null,
    // of INSERT, as CREATE TABLE AS tells it
    tag: tag => (tag.startsWith('INSERT 0 ') ? tag.replace('INSERT 0', 'SELECT') : CREATED),
    async run(_, upstream): Promise<Bound> {
      const { schema, taken } = await placeFor(target, upstream)
      const name = targetText({ schema, name: target.name })
      if (taken) {
        if (!parts.ifNotExists)
          throw new PgError({ code: '42P07', message: `relation "${target.name}" already exists` })
        // the server says that it is skipped
        return { sql: `CREATE TABLE IF NOT EXISTS ${name} ()`, mapPosition: () => null }
      }
      await tryOut(
        buildOuter(query, () => `'{}'`),
        upstream,
      )
      const params = parts.withData ? await answers(upstream) : []
      const text = alone ? keptText(alone) : await written(name, stub.text, upstream)
      // CREATE MATERIALIZED VIEW name …, as the table it becomes
      const head = source.sql.slice(parts.name, parts.as.start)
      await upstream.query(`CREATE TABLE ${head} AS ${stub.text} WITH NO DATA`)
      if (question.node.form === 'statement') await addKeys(name, question, upstream)
      const tagged = tagSql(name, { kind: parts.withData ? 'table' : 'empty table', text, prose: '' })
      if (!parts.withData) return { sql: tagged, mapPosition: () => null }
      await upstream.query(tagged)
      const typed = params.map((param, i): TypedParam => ({ ...param, type: paramTypes[i] }))
      const into = `INSERT INTO ${name} `
      return {
        sql: into + rows.text,
        typed,
        mapPosition: position => rows.mapPosition(position - [...into].length),
      }
    },
  }
}

/** The query as the server writes it, every table with its schema, and PREDICT in its place. */
const written = async (name: string, stub: string, upstream: Upstream): Promise<string> => {
  await upstream.query(`CREATE VIEW ${name} AS ${stub}`)
  const text = await definitionOf(name, upstream)
  await upstream.query(`DROP VIEW ${name}`)
  return text
}

/**
 * The schema that the relation will lie in, and whether it has one of that name: asked before anything is fitted for it, and without
 * writing, so that what is fitted can be shared.
 * @throws PgError where no relation can be made there, in the server's own words
 */
const placeFor = async (
  { schema, name }: Target,
  upstream: Upstream,
): Promise<{ readonly schema: string; readonly taken: boolean }> => {
  const [row] = await upstream.query(
    `SELECT s.schema, n.oid IS NOT NULL, pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
            pg_catalog.current_setting('transaction_read_only') = 'on',
            EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relname = $2 AND c.relnamespace = n.oid)
       FROM (SELECT coalesce($1, pg_catalog.current_schema())) s (schema)
       LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.schema`,
    [textParam(19, schema), textParam(19, name)],
  )
  const [found, exists, mayCreate, readOnly, taken] = row
  const refuse = (code: string, message: string) => new PgError({ code, message })
  if (readOnly?.[0] === 1) throw refuse('25006', `cannot execute ${CREATED} in a read-only transaction`)
  if (!found) throw refuse('3F000', 'no schema has been selected to create in')
  // pg_temp is a name for another schema
  if (exists?.[0] !== 1 && schema !== 'pg_temp') throw refuse('3F000', `schema "${schema}" does not exist`)
  if (mayCreate?.[0] === 0) throw refuse('42501', `permission denied for schema ${found}`)
  return { schema: found!.toString(), taken: taken?.[0] === 1 }
}

const EXPLAIN = 'EXPLAIN (COSTS off) '

/** @throws PgError for what is wrong with the query around its PREDICTs, with its place in the client's text */
const tryOut = async (query: SegmentText, upstream: Upstream): Promise<void> => {
  await upstream.query(EXPLAIN + query.text).catch(error => {
    if (!(error instanceof PgError) || error.serverPosition === undefined) throw error
    const offset = query.toSource(utf16Offset(query.text, error.serverPosition - 1 - EXPLAIN.length))
    throw new PgError({ ...error.fields(), position: offset ?? undefined })
  })
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
