/** Randomness as a port, so that a simulation replays from one seed. Used only for jitter. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}
