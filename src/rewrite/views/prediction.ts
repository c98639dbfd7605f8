// CREATE, REFRESH, ALTER, DROP and COMMENT ON PREDICTION. A prediction is a view that is one PREDICT and nothing else: Postgres knows it
// as a view, `PREDICT name` asks it about other rows.

import { PgError } from '../../pg-error.js'
import type { Plan, Upstream } from '../plan.js'
import type { Planner } from '../planner.js'
import { buildSegments, type SegmentText } from '../segment-text.js'
import { closing, isSign, isWord, lexSql, nameOf, type Path, pathAt, type SqlToken } from '../sql-lexer.js'
import { clausesOf } from './clauses.js'
import { questionOf } from './definitions.js'
import { planExpanded } from './replanned.js'
import { asIs } from './stored.js'
import { pathText } from './tags.js'

interface Said {
  readonly sql: string
  readonly tokens: readonly SqlToken[]
  /** Index of the word PREDICTION. */
  readonly at: number
  readonly plan: Planner
  readonly upstream: Upstream
}

/** null: it is about none. */
export const planAboutPrediction = async (sql: string, plan: Planner, upstream: Upstream): Promise<Plan | null> => {
  if (!/prediction/i.test(sql)) return null
  const tokens = lexSql(sql)
  const at = tokens.findIndex(token => isWord(token, 'prediction'))
  const said: Said = { sql, tokens, at, plan, upstream }
  const before = tokens.slice(0, at).map(({ text }) => text)
  switch (before.join(' ')) {
    case 'create':
    case 'create or replace':
      return create(said, before.length > 1)
    case 'create materialized':
      throw new PgError({
        code: '42601',
        message: 'a prediction that is stored is a materialized view',
        hint: `CREATE MATERIALIZED VIEW ${sql.slice(tokens[at].end).trim().replace(/;$/, '')}`,
        position: tokens[1].start,
      })
    case 'refresh':
      return refresh(said)
    case 'alter':
    case 'drop':
    case 'comment on':
      return onView(said, before.join(' ').toUpperCase())
    default:
      return null
  }
}

interface Name extends Path {
  /** Index of its first token. */
  readonly at: number
}

const nameAt = ({ sql, tokens }: Said, at: number): Name => {
  const found = pathAt(sql, tokens, at)
  if (!found)
    throw new PgError({
      code: '42601',
      message: tokens[at]
        ? `syntax error at or near "${sql.slice(tokens[at].start, tokens[at].end)}"`
        : 'syntax error at end of input',
      position: tokens[at]?.start ?? sql.length,
    })
  return { ...found, at }
}

const textOf = ({ path }: Name): string => pathText(path)

/** How the server knows the relation of a name: its kind, and whether it is a prediction; null where there is none. */
const look = async (
  name: Name,
  { upstream }: Said,
): Promise<{ readonly kind: string; readonly ours: boolean } | null> => {
  const [row] = await upstream.query(
    'SELECT c.relkind::pg_catalog.text FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)',
    [{ type: 25, format: 0, value: Buffer.from(textOf(name)) }],
  )
  return row ? { kind: row[0]!.toString(), ours: (await questionOf(textOf(name), upstream)) !== null } : null
}

const KINDS: Readonly<Record<string, string>> = {
  v: 'VIEW',
  m: 'MATERIALIZED VIEW',
  r: 'TABLE',
  p: 'TABLE',
  S: 'SEQUENCE',
  i: 'INDEX',
}

const notPrediction = ({ path, at: first }: Name, kind: string, { sql, tokens, at }: Said): PgError => {
  const known = KINDS[kind]
  return new PgError({
    code: '42809',
    message: `"${path.at(-1)}" is not a prediction`,
    detail: kind === 'v' ? 'A prediction is a view that is one PREDICT and nothing else.' : undefined,
    // said, not offered to paste: who meant a prediction does not mean to drop this
    hint:
      known && isWord(tokens[0], 'drop')
        ? `Use DROP ${known} to remove ${known === 'INDEX' ? 'an' : 'a'} ${known.toLowerCase()}.`
        : known && `${sql.slice(0, tokens[at].start)}${known}${sql.slice(tokens[at].end)}`,
    position: tokens[first].start,
  })
}

const missing = ({ path, at }: Name, { tokens }: Said): PgError =>
  new PgError({ code: '42P01', message: `prediction "${path.join('.')}" does not exist`, position: tokens[at].start })

/** The statement about a view that it is to the server, from `keep` on as the client wrote it. */
const asView = ({ sql, tokens, at }: Said, keep: number): SegmentText => {
  const builder = buildSegments(sql)
  builder.slice(0, tokens[at].start)
  builder.ours('VIEW ')
  builder.slice(tokens[keep].start, sql.length)
  return builder.done()
}

const create = async (said: Said, replaces: boolean): Promise<Plan | null> => {
  const { tokens, at, sql, plan, upstream } = said
  const ifNotExists = isWord(tokens[at + 1], 'if') && isWord(tokens[at + 2], 'not') && isWord(tokens[at + 3], 'exists')
  const name = nameAt(said, ifNotExists ? at + 4 : at + 1)
  const predict = name.next + 1
  if (!isWord(tokens[name.next], 'as') || !isWord(tokens[predict], 'predict'))
    throw new PgError({
      code: '42601',
      message: 'a prediction is one PREDICT',
      hint: `Write: AS PREDICT … FOR EACH table.key; CREATE VIEW keeps any query with a PREDICT in it.`,
      position: (tokens[predict] ?? tokens.at(-1)!).start,
    })
  const tail = clausesOf(tokens, predict + 1, tokens.length).found.get('tail')
  if (tail)
    throw new PgError({
      code: '42601',
      message: 'a prediction keeps no order and no limit',
      hint: `SELECT * FROM ${sql.slice(tokens[name.at].start, tokens[name.next - 1].end)} ${sql.slice(tail.start, tail.end)}`,
      position: tail.start,
    })
  const known = await look(name, said)
  const tag = () => 'CREATE PREDICTION'
  // the server says that it is skipped
  if (known && ifNotExists) return asIs(`CREATE TABLE IF NOT EXISTS ${textOf(name)} ()`, tag)
  if (known && replaces && !known.ours) throw notPrediction(name, known.kind, said)
  const planned = await planExpanded(asView(said, name.at), plan, [], upstream)
  return planned && { ...planned, tag }
}

const onView = async (said: Said, command: string): Promise<Plan | null> => {
  const { tokens, at } = said
  const ifExists = isWord(tokens[at + 1], 'if') && isWord(tokens[at + 2], 'exists')
  let i = ifExists ? at + 3 : at + 1
  for (;;) {
    const name = nameAt(said, i)
    const known = await look(name, said)
    if (known && !known.ours) throw notPrediction(name, known.kind, said)
    if (!known && !ifExists) throw missing(name, said)
    i = name.next + 1
    if (command !== 'DROP' || !isSign(tokens[name.next], ',')) break
  }
  const { text } = asView(said, at + 1)
  if (command === 'COMMENT ON') return said.plan(text, [], said.upstream)
  return { ...asIs(text, () => `${command} PREDICTION`), ...renamed(said, i) }
}

/** ALTER PREDICTION … RENAME TO name: one that the scan must know. */
const renamed = ({ sql, tokens }: Said, i: number): { readonly createsView?: string } =>
  isWord(tokens[i - 1], 'rename') && isWord(tokens[i], 'to') && tokens[i + 1]
    ? { createsView: nameOf(sql, tokens[i + 1]) }
    : {}

/** A command that does nothing, also on a standby, and gives no rows. */
const NOTHING = 'UNLISTEN pgpredict_nothing'

/** What the question is learnt from is read now, and what is fitted kept for whoever asks next. */
const refresh = async (said: Said): Promise<Plan | null> => {
  const { sql, tokens, at, plan, upstream } = said
  const name = nameAt(said, at + 1)
  if (tokens[name.next] && !isSign(tokens[name.next], ';'))
    throw new PgError({
      code: '42601',
      message: `syntax error at or near "${sql.slice(tokens[name.next].start, tokens[name.next].end)}"`,
      position: tokens[name.next].start,
    })
  const known = await look(name, said)
  if (!known) throw missing(name, said)
  const question = await questionOf(textOf(name), upstream)
  // what is stored is a table, refreshed as the materialized view that it was made as
  if (!question) throw notPrediction(name, known.kind === 'r' ? 'm' : '', said)
  if (!question.readable)
    throw new PgError({ code: '42501', message: `permission denied for view ${name.path.at(-1)}` })
  const inner = await plan(aboutNobody(question.pql), [], upstream)
  if (inner === null) throw new Error(`a prediction that is no PREDICT: ${question.pql}`)
  return {
    ...asIs(NOTHING, () => 'REFRESH PREDICTION'),
    async run(_, client) {
      await inner.run([], client)
      return { params: [] }
    },
  }
}

/** The question about none of the rows that it is about: it is learnt, and nobody is scored. */
const aboutNobody = (pql: string): string => {
  const tokens = lexSql(pql)
  const { start, end } = clausesOf(tokens, 1, tokens.length).found.get('for')!
  const words = tokens.filter(token => token.start >= start && token.end <= end)
  let i = isWord(words[1], 'each') ? 2 : 1
  const first = i
  while (isSign(words[i + 1], '.') && !isSign(words[i + 2], '(')) i += 2
  const composite = isSign(words[i + 1], '.')
  const close = composite ? closing(words, i + 2) : i
  const text = (from: number, to: number) => pql.slice(words[from].start, words[to].end)
  const [table, columns] = composite ? [text(first, i), text(i + 3, close - 1)] : [text(first, i - 2), text(i, i)]
  return `${pql.slice(0, start)}FOR ${text(first, close)} IN (SELECT ${columns} FROM ${table} WHERE false)${pql.slice(end)}`
}
