/**
 * A call to a datastore that starts when it is invoked, and that ends with a value instead of an
 * exception. Declared here and not imported, so that whoever implements or receives a Datastore
 * depends on no library; in structure it is exactly fp-ts' TaskEither, and either can stand for the
 * other (test/fp.test.ts holds that).
 */

export type Outcome<E, A> =
  | { readonly _tag: 'Left'; readonly left: E }
  | { readonly _tag: 'Right'; readonly right: A }

export type Call<E, A> = () => Promise<Outcome<E, A>>
