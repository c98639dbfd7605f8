// The language's door: text to syntax, syntax and catalog to task, task to output columns.

export type { Checked, Given } from './check.js'
export { check } from './check.js'
export { classColumn, itemColumn, outputColumns } from './output-columns.js'
export type { Parsed } from './parse.js'
export { parsePredict } from './parse.js'
export { qualify } from './qualify.js'
export { assertSupported } from './supported.js'
export { linksUsed, tablesUsed, walkAggregates, walkColumns, walkOperands } from './walk.js'
