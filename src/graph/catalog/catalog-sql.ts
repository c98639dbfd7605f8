// One statement reads the whole catalog as the current role may see it, as one JSON value. What the role may not SELECT is not
// there: no table, no column, hence no key or link that needs one. Foreign keys and inheritance come unfiltered: a join with a
// common table expression is planned for a handful of rows, and there may be thousands. Postgres 13 to 18.

import { tokenSql } from './token-sql.js'

/** Shapes of the JSON; arrays, because two thousand tables have twenty thousand columns. */
export interface CatalogRows {
  readonly token: string
  readonly database: readonly [oid: number, name: string]
  readonly role: readonly [oid: number, name: string]
  readonly version: number
  readonly tables: readonly (readonly [
    oid: number,
    schema: string,
    name: string,
    kind: 'r' | 'p' | 'v' | 'm' | 'f',
    visible: boolean,
    rows: number,
    cacheable: boolean,
    comment: string | null,
    /** Reading it may fail for reasons of its own: a row-security policy that needs a setting, a materialised view without rows yet. */
    fragile: boolean,
  ])[]
  readonly columns: readonly (readonly [
    table: number,
    attnum: number,
    name: string,
    type: number,
    notNull: boolean,
    inherited: boolean,
    comment: string | null,
    /** Its type with a length; null where it has none. */
    declared: string | null,
  ])[]
  readonly types: readonly (readonly [
    oid: number,
    name: string,
    typtype: string,
    base: number,
    category: string,
    written: string,
    array: number,
    labels: readonly string[] | null,
  ])[]
  readonly indexes: readonly (readonly [
    table: number,
    /** Key columns in order; 0 is an expression. */
    attnums: readonly number[],
    primary: boolean,
    /** Can stand for a primary key: unique, at once, for every row. */
    unique: boolean,
    /** Can find rows by equality. */
    lookup: boolean,
    /** Holds every row in order. */
    ordered: boolean,
    /** Predicate of a partial index. */
    predicate: string | null,
  ])[]
  readonly foreignKeys: readonly (readonly [
    oid: number,
    name: string,
    from: number,
    columns: readonly number[],
    to: number,
    toColumns: readonly number[],
  ])[]
  readonly inherits: readonly (readonly [child: number, parent: number])[]
}

/**
 * $1 text[]: names of views that pgpredict.toml gives a key. Gives one row: the JSON as text.
 * Estimates of a table never analyzed come from the statistics collector, which takes no lock; a partitioned table's are its partitions' sum.
 */
export const catalogSql = `
WITH RECURSIVE rel AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relispopulated, c.reltuples, c.relhassubclass, d.description,
         pg_catalog.has_table_privilege(c.oid, 'SELECT') AS whole
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
     AND d.objoid = c.oid AND d.objsubid = 0 AND d.description LIKE '%@predict%'
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
     AND n.nspname <> 'information_schema' AND (n.nspname !~ '^pg_' OR n.oid = pg_catalog.pg_my_temp_schema())
     AND (d.description IS NULL OR d.description !~ '@predict (view|table|empty table):')
     AND (c.relkind <> 'v' OR d.description IS NOT NULL OR c.relname::text = ANY ($1::text[]))
     AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')),
unproven AS MATERIALIZED ( -- NOT NULL ... NOT VALID: Postgres 18 sets attnotnull all the same
  SELECT conrelid, conkey[1] AS attnum FROM pg_catalog.pg_constraint WHERE contype = 'n' AND NOT convalidated),
att AS MATERIALIZED (
  SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attinhcount > 0 AS inherited, d.description,
         a.attnotnull AND NOT EXISTS (
           SELECT FROM unproven u WHERE u.conrelid = a.attrelid AND u.attnum = a.attnum) AS attnotnull
    FROM rel r
    JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
     AND d.objoid = r.oid AND d.objsubid = a.attnum AND d.description LIKE '%@predict%'
   WHERE r.whole OR pg_catalog.has_column_privilege(r.oid, a.attnum, 'SELECT')),
typ (oid) AS (
  SELECT DISTINCT atttypid FROM att
  UNION
  SELECT t.typbasetype FROM typ JOIN pg_catalog.pg_type t ON t.oid = typ.oid WHERE t.typtype = 'd'),
volatile_child (oid) AS ( -- a table with a foreign or temporary table below it is as uncertain as that one
  SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
   WHERE c.relkind = 'f' OR c.relpersistence = 't'
  UNION
  SELECT i.inhparent FROM volatile_child v JOIN pg_catalog.pg_inherits i ON i.inhrelid = v.oid)
SELECT pg_catalog.json_build_object(
  'token', ${tokenSql},
  'database', (SELECT pg_catalog.json_build_array(d.oid::int8, d.datname) FROM pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database()),
  'role', (SELECT pg_catalog.json_build_array(r.oid::int8, r.rolname) FROM pg_catalog.pg_roles r
    WHERE r.rolname = current_user),
  'version', pg_catalog.current_setting('server_version_num')::int4,
  'tables', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(oid::int8, nspname, relname, relkind,
      pg_catalog.pg_table_is_visible(oid),
      CASE WHEN relkind = 'p' THEN (
          SELECT coalesce(pg_catalog.sum(greatest(l.reltuples, 0)), 0)
            FROM pg_catalog.pg_partition_tree(rel.oid) p JOIN pg_catalog.pg_class l ON l.oid = p.relid
           WHERE p.isleaf)
        WHEN reltuples > 0 THEN reltuples
        ELSE coalesce(pg_catalog.pg_stat_get_live_tuples(oid), 0) END,
      relkind IN ('r', 'p', 'm') AND relpersistence <> 't' AND relispopulated AND NOT pg_catalog.row_security_active(oid)
        AND NOT (relhassubclass AND oid IN (SELECT v.oid FROM volatile_child v)),
      description,
      NOT relispopulated OR pg_catalog.row_security_active(oid) AND EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = rel.oid
        AND pg_catalog.pg_get_expr(p.polqual, p.polrelid) LIKE '%current_setting(%'))) FROM rel),
  'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(attrelid::int8, attnum, attname, atttypid::int8,
      attnotnull, inherited, description,
      CASE WHEN atttypmod >= 0 THEN pg_catalog.format_type(atttypid, atttypmod) END)) FROM att),
  'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.oid::int8, t.typname, t.typtype, t.typbasetype::int8,
      t.typcategory, pg_catalog.format_type(t.oid, -1), t.typarray::int8,
      CASE WHEN t.typtype = 'e' THEN (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END))
    FROM typ JOIN pg_catalog.pg_type t ON t.oid = typ.oid),
  'indexes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.indrelid::int8,
      ((i.indkey::int2[])[0:i.indnkeyatts - 1])::int2[], i.indisprimary,
      i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL,
      i.indisvalid AND a.amname IN ('btree', 'hash'), i.indisvalid AND a.amname = 'btree' AND i.indpred IS NULL,
      pg_catalog.pg_get_expr(i.indpred, i.indrelid)))
    FROM rel JOIN pg_catalog.pg_index i ON i.indrelid = rel.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am a ON a.oid = c.relam),
  'foreignKeys', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::int8, c.conname, c.conrelid::int8,
      c.conkey, c.confrelid::int8, c.confkey))
    FROM pg_catalog.pg_constraint c
   WHERE c.contype = 'f' AND c.conparentid = 0 AND pg_catalog.to_jsonb(c) -> 'conperiod' IS DISTINCT FROM 'true'::pg_catalog.jsonb), -- overlaps, not equality
  'inherits', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.inhrelid::int8, i.inhparent::int8))
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE NOT c.relispartition)
)::text`
