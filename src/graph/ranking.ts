// What one extraction for RANK or CLASSIFY brings back: who met which item when, in whose eyes, and at which anchors that is asked.
//
// The statement returns rows of
//   (part int4, k int4[], t timestamptz[], v float8[][], c int4[][], <one array a key column>, <one array of items>)
// in binary format, each array in its column's own type. `part` is an index into `RankingSpec.parts`; a large part comes in several rows,
// in no order. Within one row all arrays that are not NULL have the same length. Times are microseconds since 2000-01-01 UTC.

export type RankingPart =
  /**
   * One element an anchor: [0] the query's own, [1] the start of its grid cell, [2…] context anchors, newest first; t: the anchor.
   * v: four times in microseconds: the window's start and end, and both one year earlier.
   */
  | 'anchors'
  /** v: n x 1; the last is the number of entities asked for by name, -1 where they are not. */
  | 'constants'
  /** k: entities whose rows say what is popular and what goes with what: never chosen, nor put in order, by who is asked about. */
  | 'population'
  /** Labelled examples; k: the entity, c: [anchor index]. In order of anchor, then a fixed pseudo-random one. */
  | 'pairs'
  /** Entities to score; k: the entity, c: [its place in the output]. The key arrays are filled in this part alone. */
  | 'scored'
  /** One element a row of the target's table up to the query's anchor; t: its time, c: [1 where the target's filter holds], and the item. */
  | 'rows'
  /** Items alone: of the table that they are rows of, as many as the longest answer may need. */
  | 'items'

export interface RankingSpec {
  readonly task: 'rank' | 'classify'
  readonly parts: readonly RankingPart[]
  /** Key columns of the entity: how many key arrays follow `c`. */
  readonly keys: number
  /** Rows an entity of RANK; 0: every item. */
  readonly top: number
}
