// The shop of the acceptance suite as a Catalog: what `graph` would read from such a database.

import type { Catalog, Column, Link, Table, TimeSource, TypeClass } from '../../src/pql/catalog.js'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const TYPES: Readonly<Record<string, readonly [number, number, TypeClass]>> = {
  boolean: [16, 1000, 'bool'],
  integer: [23, 1007, 'integer'],
  bigint: [20, 1016, 'integer'],
  numeric: [1700, 1231, 'number'],
  'double precision': [701, 1022, 'number'],
  text: [25, 1009, 'text'],
  'character varying(20)': [1043, 1015, 'text'],
  'text[]': [1009, 0, 'array'],
  uuid: [2950, 2951, 'uuid'],
  date: [1082, 1182, 'date'],
  'timestamp without time zone': [1114, 1115, 'timestamp'],
  'timestamp with time zone': [1184, 1185, 'timestamptz'],
  jsonb: [3802, 3807, 'json'],
  order_status: [90001, 90002, 'enum'],
}

const LABELS = ['pending', 'paid', 'completed', 'returned', 'refunded']

/** `name type` or `"a name" type`, a `!` behind the type for NOT NULL. */
const column = (spec: string, at: number): Column => {
  const [, quoted, plain, typeName, bang] = /^(?:"(.+)"|(\S+)) (.+?)(!?)$/.exec(spec)!
  const name = quoted ?? plain
  const [type, arrayType, typeClass] = TYPES[typeName]
  const labels = typeClass === 'enum' ? { labels: LABELS } : {}
  return {
    attnum: at + 1,
    name,
    type,
    baseType: type,
    typeName,
    typeClass,
    arrayType,
    notNull: bang === '!',
    ...labels,
  }
}

export interface TableSpec {
  readonly name: string
  readonly columns: readonly string[]
  readonly key?: readonly string[]
  readonly time?: string
  readonly links?: Readonly<Record<string, string>>
  readonly schema?: string
  readonly visible?: boolean
}

/** A catalog of tables; a link is `column -> table`, several columns separated by commas, to the table's key. */
export const catalogOf = (specs: readonly TableSpec[]): Catalog => {
  const tables = specs.map(({ name, columns: written, key, time, schema, visible }, at) => {
    const columns = written.map(column)
    const named = (wanted: string) => columns.find(c => c.name === wanted)!
    const source: TimeSource = time ? { kind: 'own', column: named(time) } : { kind: 'static' }
    return {
      oid: 16384 + at,
      schema: schema ?? 'public',
      name,
      kind: 'table',
      columns,
      key: key ? key.map(named) : null,
      time: source,
      parents: [] as Link[],
      children: [] as Link[],
      visible: visible ?? true,
      estimatedRows: 1000,
      cacheable: true,
    } satisfies Writable<Table>
  })
  const links: Link[] = []
  specs.forEach((spec, at) => {
    for (const [columns, target] of Object.entries(spec.links ?? {})) {
      const from = tables[at]
      const to = tables.find(({ name }) => name === target)!
      const own = columns.split(',').map(name => from.columns.find(c => c.name === name)!)
      const link: Link = {
        id: links.length,
        name: `${from.name}_${columns.replaceAll(',', '_')}_fkey`,
        from,
        columns: own,
        to,
        toColumns: to.key!,
        notNull: own.every(({ notNull }) => notNull),
        indexed: true,
        declared: true,
      }
      links.push(link)
      from.parents.push(link)
      to.children.push(link)
    }
  })
  return { tables, links }
}

export const SHOP_TABLES: readonly TableSpec[] = [
  {
    name: 'users',
    key: ['user_id'],
    time: 'signup_at',
    columns: [
      'user_id integer!', 'signup_at timestamp with time zone!', 'closed_at timestamp with time zone', 'country text', 'plan text',
      'age integer', 'ltv_score double precision', 'is_premium boolean', 'segment text', 'email text', 'interests text[]',
      'referrer_id integer',
    ],
    links: { referrer_id: 'users' },
  },
  {
    name: 'items',
    key: ['item_id'],
    time: 'listed_at',
    columns: [
      'item_id integer!', 'listed_at timestamp with time zone!', 'category text', 'brand text', 'price numeric', 'title text',
    ],
  },
  {
    name: 'orders',
    key: ['order_id'],
    time: 'ordered_at',
    columns: [
      'order_id bigint!', 'user_id integer!', 'item_id integer!', 'ordered_at timestamp with time zone!', 'amount numeric',
      'qty integer', 'status order_status', 'discount numeric', 'note text', 'extra jsonb', 'due date',
    ],
    links: { user_id: 'users', item_id: 'items' },
  },
  {
    name: 'reviews',
    key: ['review_id'],
    time: 'created_at',
    columns: [
      'review_id integer!', 'user_id integer!', 'item_id integer!', 'created_at timestamp with time zone!', 'rating integer',
      'verified boolean', 'body text',
    ],
    links: { user_id: 'users', item_id: 'items' },
  },
  {
    name: 'sessions',
    key: ['session_id'],
    time: 'started_at',
    columns: [
      'session_id uuid!', 'user_id integer!', 'started_at timestamp with time zone!', 'ended_at timestamp with time zone',
      'device character varying(20)', 'pages integer', 'duration_s double precision',
    ],
    links: { user_id: 'users' },
  },
  {
    name: 'notifications',
    key: ['notification_id'],
    time: 'sent_at',
    columns: ['notification_id integer!', 'user_id integer!', 'sent_at timestamp with time zone!', 'channel text'],
    links: { user_id: 'users' },
  },
  {
    name: 'transfers',
    key: ['transfer_id'],
    time: 'at',
    columns: [
      'transfer_id integer!', 'from_user integer!', 'to_user integer!', 'at timestamp with time zone!', 'amount numeric',
    ],
    links: { from_user: 'users', to_user: 'users' },
  },
] // biome-ignore format: a schema reads best by the line

export const SHOP = catalogOf(SHOP_TABLES)

/** Besides the shop: a two-level schema, composite keys, a table without time, without key, in another schema, a text key. */
export const EXTRA = catalogOf([
  ...SHOP_TABLES,
  { name: 'customers', key: ['customer_no'], columns: ['customer_no text!', 'city text'] },
  {
    name: 'invoices',
    key: ['invoice_id'],
    time: 'issued',
    columns: ['invoice_id integer!', 'customer_no text!', 'issued timestamp without time zone!', 'country text'],
    links: { customer_no: 'customers' },
  },
  {
    name: 'invoice_lines',
    key: ['invoice_id', 'line_no'],
    time: 'booked',
    columns: [
      'invoice_id integer!',
      'line_no integer!',
      'booked timestamp without time zone!',
      'stockcode text',
      'price numeric',
    ],
    links: { invoice_id: 'invoices' },
  },
  {
    name: 'line_events',
    key: ['event_id'],
    time: 'at',
    columns: [
      'event_id integer!',
      'invoice_id integer!',
      'line_no integer!',
      'at timestamp without time zone!',
      'kind text',
    ],
    links: { 'invoice_id,line_no': 'invoice_lines' },
  },
  {
    name: 'tags',
    key: ['tag_id'],
    columns: ['tag_id integer!', 'user_id integer!', 'label text', 'added_on date'],
    links: { user_id: 'users' },
  },
  { name: 'log', columns: ['line text', 'at timestamp with time zone!'], time: 'at' },
  { name: 'Weird Name', key: ['The Id'], columns: ['"The Id" integer!', 'select text', 'MixedCase integer'] },
  {
    name: 'archive',
    schema: 'cold',
    visible: false,
    key: ['archive_id'],
    columns: ['archive_id integer!', 'size bigint'],
  },
])
