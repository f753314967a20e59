/** How the server is reached and who we are: what both clients resolve their configuration to. */
export interface Access {
  /** `https://host:port` and a path prefix if there is one; no slash at the end. */
  readonly server: string
  readonly tls: TLSSettings
  /** Headers that authenticate, asked for before every request: tokens rotate. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>
  /** Forgets cached credentials, because the server refused them (401). */
  readonly renew: () => void
}

export interface TLSSettings {
  /** PEM. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  /** `insecure-skip-tls-verify`. */
  readonly isUnverified?: boolean
}
