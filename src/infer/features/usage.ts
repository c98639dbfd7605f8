// Which channels chosen columns read, so that later extractions may leave out the rest.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'
import type { CodeSite, FeatureColumn } from './columns.js'

interface Used {
  /** Rows (their keys and times) are read at all. */
  rows: boolean
  readonly numbers: Set<number>
  readonly codes: Set<number>
}

/** By node and by stream of the spec. A channel not listed may be sent as NULL, and rows not read may stay away. */
export interface UsedChannels {
  readonly nodes: readonly Used[]
  readonly streams: readonly Used[]
}

/** `sites`: codes that are read beside the columns. */
export function channelsUsed(
  spec: NeighbourhoodSpec,
  columns: readonly FeatureColumn[],
  sites: readonly CodeSite[] = [],
): UsedChannels {
  const none = (): Used => ({ rows: false, numbers: new Set(), codes: new Set() })
  const nodes = spec.nodes.map(none)
  const streams = spec.streams.map(none)

  function reach(node: number): void {
    if (node === 0) return
    const { kind, stream, channel } = spec.nodes[node]
    if (kind === 'latest') readStream(stream!, null, channel!)
    else readNode(0, null, channel!)
  }
  function readNode(node: number, number: number | null, code: number | null): void {
    nodes[node].rows = true
    if (number !== null) nodes[node].numbers.add(number)
    if (code !== null) nodes[node].codes.add(code)
    reach(node)
  }
  function readStream(stream: number, number: number | null, code: number | null): void {
    streams[stream].rows = true
    if (number !== null) streams[stream].numbers.add(number)
    if (code !== null) streams[stream].codes.add(code)
    reach(spec.streams[stream].node)
  }
  function readSite(site: CodeSite): void {
    if ('node' in site) readNode(site.node, null, site.channel)
    else readStream(site.stream, null, site.channel)
  }

  for (const site of sites) readSite(site)
  for (const { block } of columns)
    switch (block.op) {
      case 'counts':
        readStream(block.stream, null, null)
        break
      case 'distinct':
        readStream(block.stream, null, block.channel)
        break
      case 'closing':
        readStream(block.stream, block.channel, null)
        break
      case 'signal':
        if (block.signal.kind === 'level') readStream(block.stream, null, block.signal.channel)
        else readStream(block.stream, block.signal.channel, null)
        break
      case 'lag':
        // whether the entity had been seen by then is told by all its streams
        readNode(0, null, null)
        spec.streams.forEach((stream, s) => {
          if (stream.node === 0 && !stream.static) readStream(s, null, null)
        })
        for (const leaf of block.target.leaves) {
          readStream(leaf.stream, leaf.filter, leaf.code)
          readStream(leaf.stream, leaf.value, null)
        }
        break
      case 'via-lag':
        readStream(block.stream, block.leaf.filter, block.leaf.code)
        readStream(block.stream, block.leaf.value, null)
        break
      case 'own':
        readNode(block.node, block.channel, null)
        break
      case 'born':
        readNode(block.node, null, null)
        break
      case 'level':
        readNode(block.node, null, block.channel)
        break
      default:
        readSite(block.at)
    }
  return { nodes, streams }
}
