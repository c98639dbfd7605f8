// A text put together from slices of another and pieces of our own, that knows where each of its characters came from.
// Offsets are UTF-16 units here; Postgres' positions are 1-based characters.

import { characterCount, utf16Offset } from './postgres-parser.js'

interface Segment {
  /** Offset in the text made. */
  readonly at: number
  readonly length: number
  /** Offset in the source; null: ours. */
  readonly source: number | null
}

export interface SegmentText {
  readonly text: string
  /** Offset in the source of an offset in `text`; null in a piece of ours. The end of `text` maps to the end of a last slice. */
  toSource(offset: number): number | null
  /** Offset in `text` of an offset in the source; null where that was left out. */
  fromSource(offset: number): number | null
  /** `toSource` for 1-based characters. */
  mapPosition(position: number): number | null
}

export interface SegmentBuilder {
  /** Appends source[start, end). */
  slice(start: number, end: number): void
  ours(text: string): void
  done(): SegmentText
}

export const buildSegments = (source: string): SegmentBuilder => {
  const segments: Segment[] = []
  let text = ''
  const add = (piece: string, from: number | null) => {
    if (piece === '') return
    segments.push({ at: text.length, length: piece.length, source: from })
    text += piece
  }
  return {
    slice: (start, end) => add(source.slice(start, end), start),
    ours: piece => add(piece, null),
    done: () => segmentText(source, text, segments),
  }
}

/** A piece of a text, and what takes its place. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The source with all edits made, which may come in any order and do not overlap. */
export const edited = (source: string, edits: readonly Edit[]): SegmentText => {
  const builder = buildSegments(source)
  let at = 0
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start)) {
    builder.slice(at, start)
    builder.ours(text)
    at = end
  }
  builder.slice(at, source.length)
  return builder.done()
}

const segmentText = (source: string, text: string, segments: readonly Segment[]): SegmentText => {
  const last = segments.at(-1)
  const toSource = (offset: number): number | null => {
    const found =
      segments.find(s => offset >= s.at && offset < s.at + s.length) ?? (offset === text.length ? last : undefined)
    return found === undefined || found.source === null ? null : found.source + offset - found.at
  }
  return {
    text,
    toSource,
    fromSource(offset) {
      const end = last && last.source !== null && offset === last.source + last.length ? last : undefined
      const found = segments.find(s => s.source !== null && offset >= s.source && offset < s.source + s.length) ?? end
      return found === undefined ? null : found.at + offset - found.source!
    },
    mapPosition(position) {
      if (position < 1) return null
      const offset = toSource(utf16Offset(text, position - 1))
      return offset === null ? null : characterCount(source, offset) + 1
    },
  }
}
