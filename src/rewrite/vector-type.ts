// The type that vectors have on this server: pgvector's where the client would find it, an array of real otherwise.

import { DIMENSIONS } from '../infer/client.js'
import type { OutputColumn } from '../pql/task.js'
import type { Upstream } from './plan.js'

export type VectorType = Omit<OutputColumn, 'name'>

/** null: there is none on the client's search_path. With its length, which an index needs. */
export const vectorType = async (upstream: Upstream): Promise<VectorType | null> => {
  const [row] = await upstream.query(FIND)
  if (!row) return null
  const element = row[1]!.toString()
  return { typeName: `${element}(${DIMENSIONS})`, type: row[0]!.readUInt32BE(), element }
}

const FIND = `SELECT t.oid, pg_catalog.format_type(t.oid, NULL)
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.oid = d.refobjid
  WHERE e.extname = 'vector' AND t.typname = 'vector' AND pg_catalog.pg_type_is_visible(t.oid)`
