// What other rooms use of the catalog.

export { createGraphCache, type GraphCache } from './cache.js'
export { nothingDeclared, type UserSchema, type UserTable } from './declared.js'
export { type OptionName, optionNames, readFacts, type SessionFacts } from './facts.js'
export type { Graph } from './graph.js'
export { quoted, quotedTable, writtenTable } from './identifier.js'
export { loadGraph } from './load.js'
export { missingIndexes, missingTimeIndex } from './missing-indexes.js'
export { looksLikeLine } from './name-match.js'
export { acceptProposals, commentLines, constraintLines, tomlLines } from './proposal-lines.js'
export { proposeSchema } from './proposals.js'
export type { ProposedKey, ProposedLink, ProposedTable } from './proposed.js'
export { keyWarning, repeatedKeys } from './repeated-keys.js'
