-- The optional schema `predict`: what there is to predict with in this database, for any client, with or without the proxy.
-- Nothing else needs it. `pgpredict init` runs this, and so may psql; run again, it brings what is there up to date.

BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'predict'
              AND coalesce(obj_description(n.oid, 'pg_namespace'), '') !~ '@predict schema') THEN
    RAISE EXCEPTION USING ERRCODE = 'duplicate_schema',
      MESSAGE = 'schema "predict" exists, and pgpredict did not make it',
      HINT = 'ALTER SCHEMA predict RENAME TO another_name';
  END IF;
  -- CREATE OR REPLACE leaves what is there to its owner, who could then change it under everybody's feet
  IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'predict' AND NOT pg_has_role(n.nspowner, current_user, 'MEMBER')) THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = 'schema "predict" is of a role that has fewer rights than yours',
      DETAIL = (SELECT 'Its owner is ' || pg_get_userbyid(n.nspowner) || '.' FROM pg_namespace n WHERE n.nspname = 'predict'),
      HINT = 'Run this as its owner, or take the schema away first: pgpredict uninstall';
  END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS predict;
COMMENT ON SCHEMA predict IS 'pgpredict''s catalogue; DROP it, or run pgpredict uninstall, and PREDICT works as before. @predict schema';

CREATE OR REPLACE VIEW predict.version AS SELECT text '0.1.0' AS version;
COMMENT ON VIEW predict.version IS 'The pgpredict that made this schema';

-- Relations carry their PREDICT in their comment (src/rewrite/views/tags.ts).
CREATE OR REPLACE VIEW predict.predictions AS
WITH RECURSIVE tagged AS (
  SELECT c.oid, regexp_match(d.description, '^(.*?)\s*@predict (view|table|empty table):\s*(.*)$') AS tag
    FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND c.relkind IN ('v', 'r', 'p')
   WHERE d.classoid = 'pg_class'::regclass AND d.objsubid = 0 AND d.description ~ '@predict (view|table|empty table):'
), resting AS (
  SELECT t.oid FROM tagged t WHERE t.tag[2] = 'view'
  UNION
  SELECT w.ev_class FROM resting x
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite w ON w.oid = d.objid
    JOIN pg_class c ON c.oid = w.ev_class AND c.relkind = 'v'
)
SELECT n.nspname AS schema_name,
       c.relname AS name,
       CASE WHEN t.tag[2] = 'table' THEN 'stored'
            WHEN t.tag[2] = 'empty table' THEN 'stored, without data'
            WHEN t.oid IS NULL THEN 'view over predictions'
            ELSE 'view' END AS kind,
       t.tag[3] AS question,
       CASE WHEN t.oid IS NULL THEN obj_description(c.oid, 'pg_class') ELSE nullif(t.tag[1], '') END AS comment,
       pg_get_userbyid(c.relowner) AS owner,
       has_table_privilege(c.oid, 'SELECT') AS may_read
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN tagged t ON t.oid = c.oid
 WHERE c.oid IN (SELECT oid FROM tagged UNION SELECT oid FROM resting);
COMMENT ON VIEW predict.predictions IS 'Views of predictions, stored predictions, and the views that need the proxy because they read such a view';
COMMENT ON COLUMN predict.predictions.kind IS 'view: answered by the proxy when it is read; stored: an ordinary table; view over predictions: reads a view of them';
COMMENT ON COLUMN predict.predictions.question IS 'The PREDICTs of a view, or the whole query that REFRESH MATERIALIZED VIEW runs; every table with its schema';
COMMENT ON COLUMN predict.predictions.comment IS 'What COMMENT ON has said of it';
COMMENT ON COLUMN predict.predictions.may_read IS 'Whether you may SELECT from it; the proxy also asks for the tables that it reads';

CREATE OR REPLACE VIEW predict.declarations AS
SELECT n.nspname AS schema_name, c.relname AS table_name, a.attname AS column_name,
       substring(d.description FROM '@predict.*') AS declaration
  FROM pg_description d
  JOIN pg_class c ON c.oid = d.objoid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
 WHERE d.classoid = 'pg_class'::regclass AND d.description ~ '@predict\y'
   AND d.description !~ '@predict (view|table|empty table):';
COMMENT ON VIEW predict.declarations IS 'What comments say to PREDICT about tables and columns: keys, times, links, what to leave out';

CREATE OR REPLACE VIEW predict.settings AS
SELECT o.name, nullif(current_setting('predict.' || o.name, true), '') AS setting, o.standard, o.meaning
  FROM (VALUES
    ('mode', 'normal', 'fast, normal or best: how much is learned from'),
    ('seed', '42', 'of all that is drawn; the same seed gives the same answer'),
    ('context_size', NULL, 'how many examples to learn from, up to 10000; the mode says'),
    ('hops', NULL, 'how far from the entity tables are read, up to 6'),
    ('statistic', 'median', 'median, or mean, which adds up'),
    ('task', NULL, 'binary, numeric, multiclass, classify, rank or forecast; the target says'),
    ('exclude', NULL, 'columns that are not read, as table.column, …'),
    ('include', NULL, 'columns that are read although they seem to change after their row was written'),
    ('set', NULL, 'values to suppose; not answered yet'),
    ('explain', 'off', 'adds a column that says why; not answered yet'),
    ('embedding', 'off', 'adds a column with the entity''s embedding'),
    ('timing', 'off', 'adds a column that says how long it took'),
    ('max_entities', '100000', 'how many entities a statement may score; a million where rows go into a table')
  ) AS o (name, standard, meaning);
COMMENT ON VIEW predict.settings IS 'Options of PREDICT: WITH (name = value), or SET predict.name = value, which this shows';

CREATE OR REPLACE FUNCTION predict.predict(
  question text,
  mode text DEFAULT NULL, seed bigint DEFAULT NULL, context_size bigint DEFAULT NULL, hops bigint DEFAULT NULL,
  statistic text DEFAULT NULL, task text DEFAULT NULL, exclude text DEFAULT NULL, include text DEFAULT NULL,
  set text DEFAULT NULL, explain boolean DEFAULT NULL, embedding boolean DEFAULT NULL, timing boolean DEFAULT NULL,
  max_entities bigint DEFAULT NULL)
RETURNS TABLE (anchor_time timestamptz, prediction text, probability float8, lower float8, upper float8)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
    MESSAGE = 'PREDICT is answered through pgpredict, connect to its port: ' || coalesce(question, 'NULL'),
    HINT = 'pgpredict --upstream postgres://you@this-server/' || current_database();
END
$$;
COMMENT ON FUNCTION predict.predict IS
  'SELECT * FROM predict.predict($$ PREDICT … $$) through the proxy; who may not EXECUTE it may not PREDICT at all';

GRANT USAGE ON SCHEMA predict TO PUBLIC;
GRANT SELECT ON predict.version, predict.predictions, predict.declarations, predict.settings TO PUBLIC;

COMMIT;
