// What a session is and has set, asked anew for every statement in one round trip, together with the token that tells whether the
// catalog is still as it was.

import type { Upstream } from '../../rewrite/plan.js'
import { arrayLiteral, oidArray, text } from './text-param.js'
import { tokenSql } from './token-sql.js'

/** Options read from `predict.<name>`. */
export const optionNames = [
  'mode',
  'seed',
  'context_size',
  'hops',
  'statistic',
  'task',
  'exclude',
  'include',
  'set',
  'explain',
  'embedding',
  'timing',
  'max_entities',
] as const

export type OptionName = (typeof optionNames)[number]

export interface SessionFacts {
  readonly database: { readonly oid: number; readonly name: string }
  /** current_user. */
  readonly role: { readonly oid: number; readonly name: string }
  readonly timeZone: string
  /** server_version_num. */
  readonly version: number
  /** now(), microseconds since 2000-01-01 UTC. */
  readonly now: bigint
  readonly inRecovery: boolean
  /** The transaction has an id: it may have written, rows or catalog. */
  readonly hasWritten: boolean
  /** Every statement of the transaction sees the same rows. */
  readonly oneSnapshot: boolean
  /** statement_timeout in milliseconds, 0 for none. */
  readonly statementTimeout: number
  /** client_min_messages. */
  readonly noticeLevel: string
  readonly rowSecurity: boolean
  /** false: the database has the schema of `pgpredict init`, and the role may not execute its predict(). */
  readonly mayPredict: boolean
  /** As set, and as it resolves: schemas that exist, implicit ones included. */
  readonly searchPath: string
  readonly schemas: readonly string[]
  /** Only those that are set and not empty. */
  readonly options: Readonly<Partial<Record<OptionName, string>>>
  /** Changes with every committed or own change of a table, column, key, type, grant, role or comment. */
  readonly token: string
  /** Bytes of the tables asked about. */
  readonly sizes: ReadonlyMap<number, number>
}

interface FactsRow extends Omit<SessionFacts, 'database' | 'role' | 'now' | 'statementTimeout' | 'options' | 'sizes'> {
  readonly database: readonly [number, string]
  readonly role: readonly [number, string]
  readonly statementTimeout: string
  readonly options: Readonly<Record<OptionName, string | null>>
  readonly sizes: readonly (readonly [number, number])[] | null
}

const setting = (name: string) => `pg_catalog.current_setting('${name}')`

/** One row: now() in binary, the rest as JSON. $1 oid[]: tables whose size is wanted, with their partitions and children. */
const factsSql = `
WITH RECURSIVE part (root, oid) AS (
  SELECT o, o FROM pg_catalog.unnest($1::oid[]) o
  UNION
  SELECT p.root, i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid)
SELECT pg_catalog.now(), pg_catalog.json_build_object(
  'database', (SELECT pg_catalog.json_build_array(d.oid::int8, d.datname) FROM pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database()),
  'role', (SELECT pg_catalog.json_build_array(r.oid::int8, r.rolname) FROM pg_catalog.pg_roles r
    WHERE r.rolname = current_user),
  'timeZone', ${setting('TimeZone')},
  'version', ${setting('server_version_num')}::int4,
  'inRecovery', pg_catalog.pg_is_in_recovery(),
  'hasWritten', pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL,
  'oneSnapshot', ${setting('transaction_isolation')} IN ('repeatable read', 'serializable'),
  'statementTimeout', ${setting('statement_timeout')},
  'noticeLevel', ${setting('client_min_messages')},
  'rowSecurity', ${setting('row_security')}::bool,
  'mayPredict', coalesce((SELECT pg_catalog.bool_or(pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
    FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proname = 'predict'
    WHERE n.nspname = 'predict' AND pg_catalog.obj_description(n.oid, 'pg_namespace') ~ '@predict schema'), true),
  'searchPath', ${setting('search_path')},
  'schemas', pg_catalog.to_json(pg_catalog.current_schemas(true)),
  'options', pg_catalog.json_build_object(${optionNames
    .map(name => `'${name}', pg_catalog.current_setting('predict.${name}', true)`)
    .join(', ')}),
  'token', ${tokenSql},
  'sizes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.root::int8, s.bytes)) FROM (
    SELECT root, coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(oid)), 0) AS bytes FROM part GROUP BY root) s)
)::text`

/** `tables`: oids of tables whose size is wanted. The statement stays prepared on the session: planning it costs as much as running it. */
export async function readFacts(
  upstream: Pick<Upstream, 'streamPrepared'>,
  tables: readonly number[] = [],
): Promise<SessionFacts> {
  let row: (Buffer | null)[] = []
  const param = text(oidArray, arrayLiteral(tables.map(String)))
  await upstream.streamPrepared(factsSql, [param], payload => {
    row = fields(payload)
  })
  const [now, json] = row
  const facts = JSON.parse(json!.toString()) as FactsRow
  const options = Object.entries(facts.options).filter(([, value]) => value !== null && value !== '')
  return {
    ...facts,
    database: { oid: facts.database[0], name: facts.database[1] },
    role: { oid: facts.role[0], name: facts.role[1] },
    now: now!.readBigInt64BE(),
    statementTimeout: milliseconds(facts.statementTimeout),
    options: Object.fromEntries(options) as SessionFacts['options'],
    sizes: new Map(facts.sizes ?? []),
  }
}

/** Values of a DataRow. */
function fields(payload: Buffer): (Buffer | null)[] {
  const values: (Buffer | null)[] = []
  let position = 2
  for (let left = payload.readInt16BE(); left > 0; left--) {
    const length = payload.readInt32BE(position)
    position += 4
    // the payload is the wire's own buffer: what is kept must be copied
    values.push(length < 0 ? null : Buffer.from(payload.subarray(position, position + Math.max(length, 0))))
    position += Math.max(length, 0)
  }
  return values
}

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** A setting in time units as SHOW writes it, `0` or `90s`. */
function milliseconds(shown: string): number {
  const [, amount, unit] = /^(-?\d+)(\w*)$/.exec(shown)!
  return Number(amount) * (units[unit] ?? 1)
}
