-- Takes away what init.sql has made, and that alone: what somebody has put into the schema, or built on it, is named and stays.

BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'predict'
              AND coalesce(obj_description(n.oid, 'pg_namespace'), '') !~ '@predict schema') THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'schema "predict" was not made by pgpredict, so it is left alone';
  END IF;
END
$$;

DROP FUNCTION IF EXISTS predict.predict(
  text, text, bigint, bigint, bigint, text, text, text, text, text, boolean, boolean, boolean, bigint);
DROP VIEW IF EXISTS predict.settings, predict.declarations, predict.predictions, predict.version;
DROP SCHEMA IF EXISTS predict;

COMMIT;
