/** One callback for everything worth counting or logging; metrics and logs hang here. */
export type Observation =
  | { readonly tag: 'Read'; readonly operation: string; readonly queries: number }
  | { readonly tag: 'Committed'; readonly operation: string; readonly writes: number }
  | {
      readonly tag: 'Retry'
      readonly operation: string
      readonly attempt: number
      readonly reason: string
    }
  | { readonly tag: 'Note'; readonly operation: string; readonly message: string }

export type Observer = (observation: Observation) => void
