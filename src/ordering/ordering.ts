/** Entries as committed, in order, with the certificate that covers them. */
export interface OrderedBatch {
  /** Index of the first leaf. */
  index: number
  leaves: readonly string[]
  /** A signed note of at least `index + leaves.length` leaves, with a quorum of cosignatures. */
  certificate: string
}

/** Decides the order of a register's entries. Never trusted for their content. */
export interface Ordering {
  /**
   * Resolves once the entry is committed: its index can never change and a quorum holds it. Submitting it twice is
   * submitting it once. Rejects with the rule's code when the entry may not enter, with ORDERING_UNAVAILABLE when
   * nobody can say yet: the caller submits the same bytes again.
   */
  submit(entry: string): Promise<{ index: number }>
  /** Every batch from `index` on, in order, as committed; never ends until `signal` aborts. A batch may come twice after a crash. */
  follow(index: number, signal: AbortSignal): AsyncIterable<OrderedBatch>
}
