/**
 * Fields of a stored document that this version does not know. An adapter fills them when it
 * reads and writes them back unchanged; the core only carries them along by spreading.
 * Losing one would undo what a newer writer stored (invariant 2).
 */
export type UnknownFields = Readonly<Record<string, unknown>>
