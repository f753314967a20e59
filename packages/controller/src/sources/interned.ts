/**
 * One copy of texts that repeat (nodes, namespaces, sets): every document that is parsed brings
 * copies of its own, which at 220,000 addresses are tens of megabytes.
 */
export type Intern = (text: string) => string

const textsMax = 100_000

export const createIntern = (): Intern => {
  const texts = new Map<string, string>()
  return (text) => {
    const known = texts.get(text)
    if (known !== undefined) return known
    // Names of things that are long gone must not pile up.
    if (texts.size >= textsMax) texts.clear()
    texts.set(text, text)
    return text
  }
}
