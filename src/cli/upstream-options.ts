// The configured upstream as the wire takes it.

import { readFile } from 'node:fs/promises'
import type { UpstreamServer } from '../config/upstream.js'
import type { UpstreamOptions } from '../wire/options.js'

/** Rejects when the file of authorities cannot be read. */
export async function upstreamOptions({ host, port, sslMode, sslRootCert }: UpstreamServer): Promise<UpstreamOptions> {
  return {
    host,
    port,
    // allow: without TLS unless the server insists. We do better where it offers it.
    tls: sslMode === 'allow' ? 'prefer' : sslMode,
    ca: sslRootCert ? await readFile(sslRootCert) : undefined,
  }
}
