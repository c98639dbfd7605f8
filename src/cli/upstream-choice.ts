// The configured upstream as the wire takes it: its servers, and which of them a new session may have.

import { readFile } from 'node:fs/promises'
import type { SessionAttrs, UpstreamServer } from '../config/upstream.js'
import type { UpstreamChoice, UpstreamOptions } from '../wire/options.js'
import { withOwnSession } from './own-session.js'

/** How long what a server has said about itself is believed, in milliseconds. */
const BELIEVED = 2000

interface Role {
  readonly standby: boolean
  readonly readOnly: boolean
}

/** What libpq's target_session_attrs asks of a server. */
const SUITS: Record<Exclude<SessionAttrs, 'any'>, (role: Role) => boolean> = {
  'read-write': role => !role.readOnly,
  'read-only': role => role.readOnly,
  primary: role => !role.standby,
  standby: role => role.standby,
  'prefer-standby': role => role.standby,
}

/** The servers of the URL. Rejects when a file of certificates cannot be read. */
export async function upstreamServers(upstream: UpstreamServer): Promise<UpstreamOptions[]> {
  const { sslMode, sslRootCert, sslCert, sslKey, connectTimeout } = upstream
  const read = async (file: string | null) => (file === null ? undefined : await readFile(file))
  const [ca, cert, key] = await Promise.all([sslRootCert, sslCert, sslKey].map(read))
  return upstream.hosts.map(({ host, port }) => ({
    host,
    port,
    // allow: without TLS unless the server insists. We do better where it offers it.
    tls: sslMode === 'allow' ? 'prefer' : sslMode,
    ca,
    cert,
    key,
    connectTimeout: connectTimeout === null ? undefined : connectTimeout * 1000,
  }))
}

/**
 * As libpq chooses among several hosts. A login cannot be taken back and made again elsewhere without the client's secret, so a
 * server is asked what it is in a session of our own: the URL must name a user and a database where that matters.
 */
export async function upstreamChoice(upstream: UpstreamServer): Promise<UpstreamChoice> {
  const servers = await upstreamServers(upstream)
  const { sessionAttrs, balance } = upstream
  const inOrder = () => (balance ? shuffled(servers) : servers)
  if (sessionAttrs === 'any') return { servers, candidates: async () => inOrder() }
  const roles = createRoles(upstream)
  return {
    servers,
    async candidates() {
      const reasons: string[] = []
      const suiting: UpstreamOptions[] = []
      for (const server of inOrder()) {
        try {
          if (SUITS[sessionAttrs](await roles(server))) suiting.push(server)
          else reasons.push(`the server at "${server.host}", port ${server.port}, is not ${sessionAttrs}`)
        } catch (error) {
          reasons.push((error as Error).message)
        }
        if (suiting.length > 0) return suiting
      }
      if (sessionAttrs === 'prefer-standby') return inOrder()
      throw new Error(`no upstream server is ${sessionAttrs}: ${reasons.join('; ')}`)
    },
  }
}

/** What each server is, asked at most once in a while however many clients come. */
function createRoles(upstream: UpstreamServer): (server: UpstreamOptions) => Promise<Role> {
  const known = new Map<UpstreamOptions, { readonly role: Promise<Role>; until: number }>()
  return server => {
    const before = known.get(server)
    if (before && performance.now() < before.until) return before.role
    const role = withOwnSession(upstream, server, async session => {
      const [row] = await session.query(
        "SELECT pg_catalog.pg_is_in_recovery()::pg_catalog.text, pg_catalog.current_setting('transaction_read_only')",
      )
      return { standby: row![0]!.toString() === 'true', readOnly: row![1]!.toString() === 'on' }
    })
    const entry = { role, until: Number.POSITIVE_INFINITY }
    known.set(server, entry)
    // that it could not be asked is believed as long
    const answered = () => {
      entry.until = performance.now() + BELIEVED
    }
    role.then(answered, answered)
    return role
  }
}

/** Every order is as likely as any other. */
function shuffled<T>(list: readonly T[]): T[] {
  const out = [...list]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
