/** What a caller may say about the API server; what is left out comes from the kubeconfig. */
export interface KubeClientOptions {
  /** Path of a kubeconfig. Without it and without `apiRoot`: the pod's own service account. */
  readonly kubeconfig?: string
  /** `https://host:port`; overrides the kubeconfig's server. */
  readonly apiRoot?: string
  readonly token?: string
  /** PEM files. */
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly certificateAuthority?: string
  /** Requests per second that may be made in the long run; 0 or absent: no limit. */
  readonly qps?: number
  /** Requests that may be made at once before `qps` counts. Default: 100, or `qps` if that is more. */
  readonly burst?: number
  /** For the server to answer one request. Default 10 000. */
  readonly requestTimeoutMs?: number
}

export const defaultRequestTimeoutMs = 10_000
export const defaultBurst = 100
