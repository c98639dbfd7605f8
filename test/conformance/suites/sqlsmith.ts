// sqlsmith: statements that nobody would write, made up from the server's catalog as it finds it. With the same seed it must find the
// same catalog, so say the same, and no statement may break the connection or the protocol. What the statements answer is no evidence:
// they ask for clocks, locks and the state of the server.

import { createHash } from 'node:crypto'
import { connect } from '../../../bench/lib/postgres.js'
import { hasProgram, runAnyway } from '../programs.js'
import type { Outcome, Suite } from '../suite.js'

const SEEDS = [1, 2, 3, 4, 5, 6]
const STATEMENTS = 1000

const TABLES = `
  CREATE TYPE colour AS ENUM ('red', 'green');
  CREATE TABLE plain (id int PRIMARY KEY, name text NOT NULL, at timestamptz, worth numeric(12, 2), flag bool);
  CREATE TABLE odd (id bigint REFERENCES plain, tags text[], doc jsonb, part int4range, seen inet, hue colour, raw bytea);
  INSERT INTO plain SELECT g, 'name ' || g, now() - g * interval '1 day', g * 1.5, g % 2 = 0 FROM generate_series(1, 200) g;
  INSERT INTO odd SELECT g, ARRAY['a', g::text], jsonb_build_object('g', g), int4range(g, g + 5), '10.0.0.1', 'red', '\\x00'
    FROM generate_series(1, 200) g;
  CREATE VIEW wide AS SELECT p.*, o.tags, o.doc FROM plain p JOIN odd o USING (id)`

export const sqlsmith: Suite = {
  about: 'sqlsmith: made-up statements over the whole catalog',
  path: null,
  missing: () => (hasProgram('sqlsmith') ? [] : ['sqlsmith is not installed']),
  prepare: async () => async target => {
    const outcomes = new Map<string, Outcome>()
    for (const seed of SEEDS) {
      const name = `smith${seed}`
      for (const [database, sql] of [
        ['postgres', `CREATE DATABASE ${name}`],
        [name, TABLES],
      ]) {
        const client = await connect(`postgres://postgres@127.0.0.1:${target.port}/${database}`)
        await client.query(sql!).finally(() => client.end())
      }
      const server = `host=127.0.0.1 port=${target.port} user=postgres dbname=${name}`
      const args = [`--target=${server}`, `--max-queries=${STATEMENTS}`, `--seed=${seed}`]
      const { code, output, stdout } = await runAnyway('sqlsmith', [...args, '--verbose', '--dump-all-queries'])
      outcomes.set(`seed ${seed}`, { passed: code === 0 && unbroken(output), evidence: digest(stdout) })
    }
    return outcomes
  },
}

/** Each statement leaves one character: . answered, e failed, t timed out, S not even SQL, C the connection broke. */
function unbroken(output: string): boolean {
  const left = [...output.matchAll(/^[.etSC]+$/gm)].join('')
  return left.length > 0 && !/[SC]/.test(left)
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex')
