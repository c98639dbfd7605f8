// The language's door: text to syntax, syntax and catalog to task, task to output columns.

export type { Parsed } from './parse.js'
export { parsePredict } from './parse.js'
export { linksUsed, tablesUsed, walkAggregates, walkColumns, walkOperands } from './walk.js'
