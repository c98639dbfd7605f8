// Made-up conversations: everything that a client may say, in any order, sensible or not. Each comes twice, message for message: with
// PREDICT for us, and with what PREDICT stands for in the tests' rewriter for the server itself, so that both must answer alike.

import { serialize } from 'pg-protocol'
import type { Random } from '../../../src/demo/random.js'
import { FUNCTION_CALL } from '../../../src/wire/messages/frontend.js'
import { frame } from '../../../src/wire/messages/header.js'
import { B, C, D, E, H, P, Q, S } from './messages.js'

export interface Said {
  readonly ours: Buffer
  readonly plain: Buffer
}

type Text = readonly [ours: string, plain: string]

const same = (bytes: Buffer): Said => ({ ours: bytes, plain: bytes })
const prepare = (name: string, text: Text) => both(sql => P(sql, name), text)
const both = (make: (text: string) => Buffer, [ours, plain]: Text): Said => ({ ours: make(ours), plain: make(plain) })

const rows = (n: number) =>
  `SELECT x FROM pg_catalog.unnest('{${Array.from({ length: n }, (_, i) => i + 1)}}'::pg_catalog.int4[]) AS x`
const ORDINARY = [
  'SELECT 1',
  'SELECT 1 AS a, NULL, 2',
  'SELECT * FROM generate_series(1, 50) AS g',
  "SELECT repeat('x', 300)",
  '',
  ';',
  '-- nothing',
  'SELEC',
  'SELECT 1/0',
  'INSERT INTO notes VALUES (1)',
  'DELETE FROM notes RETURNING a',
  'SELECT count(*) FROM notes',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT s',
  'ROLLBACK TO s',
  'RELEASE s',
  "SET application_name = 'a'",
  "SET client_encoding = 'LATIN1'",
  'LISTEN channel',
  "NOTIFY channel, 'said'",
  'DEALLOCATE ALL',
  'PREPARE q AS SELECT 5',
  'EXECUTE q',
  'FETCH 2 FROM c',
  'FETCH 3 FROM one',
  'MOVE 2 FROM two',
  'CLOSE one',
  "DO $$ BEGIN RAISE NOTICE 'heed'; END $$",
  'COPY (SELECT * FROM generate_series(1, 5)) TO STDOUT',
].map((sql): Text => [sql, sql])
/** Not for pipelines: a PREDICT before it makes them a transaction, which the first of these refuses and the second wants. */
const ALONE = ['DISCARD ALL', 'DECLARE c CURSOR FOR SELECT * FROM generate_series(1, 9)'].map((sql): Text => [sql, sql])
const COPY_IN: Text = ['COPY notes FROM STDIN', 'COPY notes FROM STDIN']
const PREDICTS: readonly Text[] = [
  ...[0, 1, 3, 40].map((n): Text => [`PREDICT ${n}`, rows(n)]),
  // refused behind a failure for the failure, as a syntax error is not
  ['PREDICT nonsense', 'INSERT INTO notes VALUES (1, 2)'],
  ['PREDICT 2 CACHED', rows(2)],
  ...[1, 7, 25].map((n): Text => [`PREDICT 40 PARTS ${n}`, rows(40)]),
  ['PREDICT 40 PARTS 9, WHERE x % 3 = 0', `${rows(40)} WHERE x % 3 = 0`],
  ['PREDICT 5, ORDER BY x DESC LIMIT 2', `${rows(5)} ORDER BY x DESC LIMIT 2`],
]
const STRINGS: readonly Text[] = [
  ['SELECT 1; PREDICT 2; SELECT 3', `SELECT 1; ${rows(2)}; SELECT 3`],
  ['PREDICT 1; SELECT 1/0; PREDICT 2', `${rows(1)}; SELECT 1/0; ${rows(2)}`],
  ['SELECT 1; SELECT 2', 'SELECT 1; SELECT 2'],
  ['INSERT INTO notes VALUES (2); PREDICT 1, ORDER BY no', `INSERT INTO notes VALUES (2); ${rows(1)} ORDER BY no`],
]
const WITH_PARAMETER: readonly Text[] = [
  [
    'PREDICT $1',
    'SELECT x FROM pg_catalog.unnest(ARRAY(SELECT pg_catalog.generate_series(1, $1::pg_catalog.int4))) AS x',
  ],
  ['SELECT $1::int4 AS a', 'SELECT $1::int4 AS a'],
]
const NAMES = ['', '', 'one', 'two']
/** A Query leaves no unnamed statement or portal; one with a PREDICT in it may, and nobody asks for them. */
const KEPT = ['one', 'two']

/** A conversation of about `length` messages; its end brings any session back to where it can be asked. */
export function conversation(random: Random, length: number): Said[] {
  const pick = <T>(list: readonly T[]): T => random.pick(list)
  const name = () => pick(NAMES)
  const statement = (): Text => pick(random.chance(0.35) ? PREDICTS : ORDINARY)
  const value = () => pick(['0', '2', '7', null, Buffer.of(0, 0, 0, 3)])
  const copy = (): Said[] => {
    const data = Array.from({ length: Math.floor(random.uniform() * 4) }, () =>
      same(serialize.copyData(Buffer.from(pick(['1\n2\n', '7\n', '\\N\n', 'no number\n', '4'])))),
    )
    const syncs = random.chance(0.2) ? [same(S()), same(H())] : []
    return [...data, ...syncs, same(random.chance(0.7) ? serialize.copyDone() : serialize.copyFail('enough'))]
  }
  /** A statement from Parse to Execute, as drivers have it. */
  const whole = (): Said[] => {
    const parameter = random.chance(0.3)
    const [as, portal] = [name(), name()]
    return [
      prepare(as, parameter ? pick(WITH_PARAMETER) : statement()),
      ...(random.chance(0.3) ? [same(D(as, 'S'))] : []),
      same(B(parameter ? [value()] : [], as, portal, random.chance(0.2) ? [1] : [])),
      ...(random.chance(0.7) ? [same(D(portal, 'P'))] : []),
      same(E(pick([0, 0, 0, 1, 10]), portal)),
    ]
  }
  const step = (): Said[] => {
    const dice = random.uniform()
    if (dice < 0.02) return [both(Q, ["PREDICT 1 QUERY 'SELECT 1/0'", 'SELECT 1/0 AS x'])]
    if (dice < 0.22) return [both(Q, random.chance(0.1) ? pick(ALONE) : statement())]
    if (dice < 0.27) return [both(Q, pick(STRINGS))]
    if (dice < 0.33) return [both(Q, COPY_IN), ...copy()]
    if (dice < 0.36) return [both(P, COPY_IN), same(B()), same(E()), ...copy(), same(S())]
    if (dice < 0.6) return [...whole(), ...(random.chance(0.6) ? [same(S())] : random.chance(0.3) ? [same(H())] : [])]
    if (dice < 0.66) return [prepare(name(), random.chance(0.1) ? pick(WITH_PARAMETER) : statement())]
    if (dice < 0.72) return [same(B(random.chance(0.3) ? [value()] : [], pick(KEPT), name()))]
    if (dice < 0.78) return [same(E(pick([0, 1, 5]), pick(KEPT)))]
    if (dice < 0.83) return [same(D(pick(KEPT), pick(['S', 'P'] as const)))]
    if (dice < 0.87) return [same(C(name(), pick(['S', 'P'] as const)))]
    if (dice < 0.93) return [same(S())]
    if (dice < 0.96) return [same(H())]
    if (dice < 0.98) return [same(abs(pick(['-4', 'x'])))]
    // out of place, mostly: data, or its end, that nobody asked for
    return [same(pick([serialize.copyData(Buffer.from('9\n')), serialize.copyDone(), serialize.copyFail('no')]))]
  }
  const said: Said[] = []
  while (said.length < length) said.push(...step())
  return synced(said)
}

/**
 * A simple Query or a FunctionCall amid messages of the extended protocol that no Sync has ended belongs to their transaction, and leaves
 * it open. Around a PREDICT the proxy ends it: nobody's driver does this, and gets a Sync before it here.
 */
function synced(said: readonly Said[]): Said[] {
  let [open, ours] = [false, false]
  return said.flatMap(part => {
    const type = String.fromCharCode(part.ours[0]!)
    const predicts = part.ours !== part.plain
    const simple = type === 'Q' || type === 'F'
    const before = simple && open && (ours || predicts) ? [same(S())] : []
    if (type === 'S' || before.length > 0) [open, ours] = [false, false]
    // a Bind may be of a statement with a PREDICT
    else if (!simple) [open, ours] = [true, ours || predicts || type === 'B']
    return [...before, part]
  })
}

/** FunctionCall of abs(int4). */
function abs(argument: string): Buffer {
  const body = Buffer.alloc(14 + argument.length)
  body.writeInt32BE(1397, 0)
  body.writeInt16BE(1, 6)
  body.writeInt32BE(argument.length, 8)
  body.write(argument, 12, 'latin1')
  return frame(FUNCTION_CALL, body)
}

/** The same bytes with a few of them changed, lost or doubled. */
export function garbled(random: Random, bytes: Buffer): Buffer {
  const out = [...bytes]
  for (let i = 1 + Math.floor(random.uniform() * 3); i > 0; i--) {
    const at = Math.floor(random.uniform() * out.length)
    const dice = random.uniform()
    if (dice < 0.6) out[at] = random.chance(0.3) ? 0xff : Math.floor(random.uniform() * 256)
    else if (dice < 0.8) out.splice(at, 1 + Math.floor(random.uniform() * 4))
    else out.splice(at, 0, ...out.slice(at, at + 5))
  }
  return Buffer.from(out)
}
