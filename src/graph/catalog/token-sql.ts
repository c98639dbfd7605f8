// SQL for a fingerprint of everything a graph is made of, cheap enough to be asked on every use: a sum of hashes over the
// (oid, xmin) pairs of the catalog rows of user relations. Any DDL, GRANT, REVOKE or COMMENT writes a new row version, thus a
// new xmin; ANALYZE and VACUUM update pg_class in place and leave it alone. Other sessions' temporary tables and other roles'
// memberships do not count.

const hash = (salt: number, oid: string, xmin: string) =>
  `pg_catalog.hashint8extended((${oid}::text::int8 << 32) | ${xmin}::text::int8, ${salt})`

/** A text expression. Unqualified catalogs are never used: search_path is the client's. */
export const tokenSql = `(
  WITH rel AS MATERIALIZED (
    SELECT c.oid, c.xmin
      FROM pg_catalog.pg_class c
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384
       AND (c.relpersistence <> 't' OR c.relnamespace = pg_catalog.pg_my_temp_schema()))
  SELECT pg_catalog.concat_ws('/',
    (SELECT coalesce(pg_catalog.sum(${hash(1, 'oid', 'xmin')}), 0) FROM rel),
    (SELECT coalesce(pg_catalog.sum(${hash(2, 'a.attrelid', 'a.xmin')} + a.attnum), 0) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid IN (SELECT oid FROM rel) AND a.attnum > 0),
    (SELECT coalesce(pg_catalog.sum(${hash(3, 'c.oid', 'c.xmin')}), 0) FROM pg_catalog.pg_constraint c
      WHERE c.conrelid >= 16384 AND c.conrelid IN (SELECT oid FROM rel)),
    (SELECT coalesce(pg_catalog.sum(${hash(4, 'i.indexrelid', 'i.xmin')}), 0) FROM pg_catalog.pg_index i
      WHERE i.indrelid >= 16384 AND i.indrelid IN (SELECT oid FROM rel)),
    (SELECT coalesce(pg_catalog.sum(${hash(5, 'd.objoid', 'd.xmin')} + d.objsubid), 0) FROM pg_catalog.pg_description d
      WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid >= 16384),
    (SELECT coalesce(pg_catalog.sum(${hash(6, 'i.inhrelid', 'i.xmin')}), 0) FROM pg_catalog.pg_inherits i
      WHERE i.inhrelid IN (SELECT oid FROM rel)),
    (SELECT coalesce(pg_catalog.sum(${hash(7, 't.oid', 't.xmin')}), 0) FROM pg_catalog.pg_type t
      WHERE t.oid >= 16384 AND t.typtype IN ('d', 'e')),
    (SELECT coalesce(pg_catalog.sum(${hash(8, 'e.oid', 'e.xmin')}), 0) FROM pg_catalog.pg_enum e),
    (SELECT coalesce(pg_catalog.sum(${hash(9, 'n.oid', 'n.xmin')}), 0) FROM pg_catalog.pg_namespace n
      WHERE n.nspname !~ '^pg_'),
    (SELECT coalesce(pg_catalog.sum(${hash(10, 'm.roleid', 'm.xmin')} + m.member::text::int8), 0) FROM pg_catalog.pg_auth_members m, pg_catalog.pg_roles r
      WHERE r.rolname = current_user AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, m.member, 'MEMBER')),
    (SELECT pg_catalog.concat(r.rolsuper, r.rolbypassrls, r.rolinherit) FROM pg_catalog.pg_roles r
      WHERE r.rolname = current_user)))`
