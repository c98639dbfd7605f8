// What one extraction statement brings back, and how to read it: the shape handed from the graph to the features.
//
// The statement returns rows of
//   (part int4, k int4[], t timestamptz[], v float8[][], c int4[][], <one array a key column, in the key's own type>
//    [, <the classes of a target of several, in their own type>, text[]])
// in binary format. `part` is an index into `NeighbourhoodSpec.parts`; a large part comes in several rows, in order of k. Within one row
// all arrays have the same length n (v and c are n x width; NULL where width is 0; a part without rows sends no row). Within a part, rows
// are ordered by k, then time, then primary key, so that equal data gives equal bytes. NULL elements are missing values.
// Times are microseconds since 2000-01-01 UTC (Postgres' own); '-infinity' marks a row that is always visible (static table), and a row with
// NULL time is never sent. Nothing here is a name the model may see: names serve explanations alone.

/** Where a column of numbers or codes comes from, for explanations, notices and set-aside columns; never an input of the model. */
export interface Source {
  /** Schema-qualified table and column as the user knows them; null for what the query itself defines. */
  readonly table: string
  readonly column: string | null
  /** Foreign keys between the entity and this column. */
  readonly hop: number
}

/** One column of `v`. */
export interface NumberChannel {
  readonly kind:
    | 'number' // the value
    | 'flag' // 0 or 1
    | 'time' // microseconds since 2000; later than the row's anchor reads as missing
    | 'size' // length of a text, array or document
    | 'presence' // 1 where not NULL, 0 where NULL
    | 'filter' // 1 where the target's own row filter holds, 0 where not (of one leaf of the target)
    | 'value' // the target's own value where its filter holds, missing elsewhere
  readonly source: Source
  /** The column belongs to the row's own table, or to a parent of it. */
  readonly own: boolean
  /** The user vouched for it (`include`, @predict immutable): never set aside. */
  readonly trusted: boolean
  /** For 'filter' and 'value': the leaf of the target, an index into TargetSpec.leaves. */
  readonly leaf?: number
}

/** One column of `c`: equality alone has a meaning. */
export interface CodeChannel {
  readonly kind:
    | 'category' // enum, text, small integers: a hash or the value; used as a category if it has few levels in the context
    | 'reference' // a foreign key as index into the keys of node `node`, or -1
    | 'key' // a foreign key as a hash: for distinct counts alone
  readonly source: Source
  readonly own: boolean
  readonly trusted: boolean
  /** For 'reference'. */
  readonly node?: number
  /** For COUNT_DISTINCT leaves of the target. */
  readonly leaf?: number
}

/** Rows that features belong to or pass through: the entity, its parents, the parent of its latest child row. */
export interface NodeSpec {
  readonly kind: 'entity' | 'parent' | 'latest'
  /** 'parent': reached from node 0's own code channel `channel`. 'latest': from code channel `channel` of stream `stream`, at its last visible row. */
  readonly stream?: number
  readonly channel?: number
  readonly hop: number
  /** One row a key; t is the row's own time ('-infinity' where its table is undated). */
  readonly numbers: readonly NumberChannel[]
  readonly codes: readonly CodeChannel[]
}

/** Rows that hang on the keys of a node: its children, or its children's children. */
export interface StreamSpec {
  readonly node: number
  readonly hop: number
  /** The table the rows live in, oid-free: equal numbers are the same table. */
  readonly table: number
  readonly numbers: readonly NumberChannel[]
  readonly codes: readonly CodeChannel[]
  /** All rows at -infinity: a static child table. */
  readonly static: boolean
}

/** One aggregate of the target, readable from a stream of node 0: rows with filter = 1, aggregated over a window. */
export interface TargetLeaf {
  readonly name: 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX' | 'COUNT_DISTINCT' | 'FIRST' | 'LAST'
  readonly stream: number
  /** Number channel of the filter; null: every row. */
  readonly filter: number | null
  /** Number channel of the value (COUNT of a column: rows where it is present); null for COUNT(*) and COUNT_DISTINCT. */
  readonly value: number | null
  /** Code channel, for COUNT_DISTINCT. */
  readonly code: number | null
}

/** The target as a program over its leaves, three-valued; `constant` is an index into the `constants` part. */
export type TargetProgram =
  | { readonly op: 'leaf'; readonly leaf: number }
  | { readonly op: 'and' | 'or'; readonly items: readonly TargetProgram[] }
  | { readonly op: 'not'; readonly item: TargetProgram }
  | {
      readonly op: 'compare'
      readonly compare: '=' | '<>' | '<' | '<=' | '>' | '>='
      readonly leaf: number
      readonly constant: number
    }
  | { readonly op: 'in'; readonly negated: boolean; readonly leaf: number; readonly constants: readonly number[] }
  | {
      readonly op: 'between'
      readonly negated: boolean
      readonly leaf: number
      readonly low: number
      readonly high: number
    }
  | { readonly op: 'null'; readonly negated: boolean; readonly leaf: number }

export interface TargetSpec {
  readonly leaves: readonly TargetLeaf[]
  /** null: past labels cannot be told from the streams (non-numeric constants, LIKE, …); no lag features then. */
  readonly program: TargetProgram | null
  /** Leaves of ASSUMING: a past window in which it did not hold gives a missing lag. null: none, or not readable. */
  readonly assuming: TargetProgram | null
  /** Several classes, or lists: where rows that the target is about hold theirs, as hashes of the same kind as in the `classes` part. */
  readonly histories?: readonly { readonly stream: number; readonly channel: number }[]
}

export type Part =
  /**
   * One element an anchor: [0] the query's own, [1] the reference anchor (start of its grid cell), [2…] context anchors, newest first.
   * v: boundaries in microseconds, width 13: [k] = anchor - k horizons for k = 0…10, [11],[12] = start and end of the window (anchor, anchor + horizon] one year earlier.
   */
  | { readonly kind: 'anchors' }
  /**
   * Of lists: an entry for each value of an example, side by side, and one with no label where it has none.
   * c: [anchor index, role, and of a target of columns its share, or where spec.weighed how many examples it stands for]; role 0 = labelled context example, 1 = reference population (at anchor 1, label missing). v: [label], of a forecast one for each fitted window. k: key index of node 0.
   */
  | { readonly kind: 'pairs' }
  /**
   * The values that labels of several classes number. k: the class; c: its hash; v: [examples of it, labelled examples in
   * all, different values among them]. The last two arrays are filled in this part alone: the values, and each as text.
   */
  | { readonly kind: 'classes' }
  /**
   * Entities to score, in output order, at anchor 0; k: key index of node 0. The key arrays are filled in this part alone. Of a target of columns,
   * c: [anchor index, and its share or period].
   */
  | { readonly kind: 'scored' }
  /** Of a forecast, every window after the question's anchor. k: its number, from 1; v: [start, end] in microseconds. */
  | { readonly kind: 'steps' }
  /** k: the period, from 1; t: when it begins. */
  | { readonly kind: 'periods' }
  /** v: n x 1, the target's constants as numbers. */
  | { readonly kind: 'constants' }
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'stream'; readonly stream: number }

export interface NeighbourhoodSpec {
  readonly task: 'binary' | 'numeric' | 'multiclass' | 'list'
  readonly parts: readonly Part[]
  /** [0] is the entity. */
  readonly nodes: readonly NodeSpec[]
  readonly streams: readonly StreamSpec[]
  readonly target: TargetSpec
  /** Key columns of the entity: how many key arrays follow `c`. */
  readonly keys: number
  /** The target can never be negative (counts, sums of non-negative columns are decided from data by the head). */
  readonly counting: boolean
  /** An ASSUMING clause is present: the cohort is the entities with a recent target row (the reference population is chosen so). */
  readonly conditional: boolean
  /**
   * A target of columns, not of windows. 'shared': every row is read at one moment, the query's; examples lie in SHARES parts, and a row is answered
   * by what the other parts teach. 'own': every row is read just before its own time, and answered by what was written before its period began.
   */
  readonly moment?: 'shared' | 'own'
  /** Of 'own': examples that a period has, the newest before it. Those of several may be sent together. */
  readonly periodRows?: number
  /** Of a forecast, the numbers of the windows that examples carry labels of, ascending. */
  readonly steps?: readonly number[]
  /** Of lists that no window bounds: each entity is answered with several rows, all values or the `top` likeliest. */
  readonly list?: { readonly kind: 'rank' | 'classify'; readonly top: number }
  /** Examples are drawn unevenly: each says how many it stands for. */
  readonly weighed?: true
  /** What columns hold today may be read today: none is suspected of having changed. */
  readonly settled?: boolean
}

/** Parts that examples of a target of columns are split into. */
export const SHARES = 5

/** What a fitted context reads of its spec: later extractions send NULL for the rest, and leave out rows that nothing reads. */
export interface ChannelUse {
  readonly nodes: readonly PartUse[]
  readonly streams: readonly PartUse[]
}

export interface PartUse {
  /** Rows (their keys and times) are read at all. */
  readonly rows: boolean
  readonly numbers: ReadonlySet<number>
  readonly codes: ReadonlySet<number>
}
