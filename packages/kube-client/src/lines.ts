/** Cuts a stream of bytes into lines of UTF-8 text; empty lines are left out. */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest: string[] = []
  for await (const chunk of chunks) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      const line = rest.join('') + part
      rest = []
      if (line !== '') yield line
    }
    rest.push(last)
  }
  const line = rest.join('') + decoder.decode()
  if (line !== '') yield line
}
