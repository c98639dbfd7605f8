// Names and texts as SQL spells them, whatever is in them.

/** A quoted identifier. */
export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * A type to cast to, by a name as format_type() writes it, without its length: alone, SQL's own words for two types mean a length of one.
 */
export const castName = (typeName: string): string =>
  typeName
    .replace(/\([^)]*\)/, '')
    .replace(/^character(?! varying)/, 'pg_catalog.bpchar')
    .replace(/^bit(?! varying)/, 'pg_catalog."bit"')

/** A string constant, under either setting of standard_conforming_strings. */
export const literal = (text: string): string =>
  `${text.includes('\\') ? 'E' : ''}'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
