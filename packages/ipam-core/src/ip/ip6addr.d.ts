// ip6addr ships no types; this is the part that any-spelling.ts uses.
declare module 'ip6addr' {
  interface Addr {
    toString(options: { format: 'v4' | 'v6'; zeroElide?: boolean }): string
  }
  const ip6addr: { parse(text: string): Addr }
  // biome-ignore lint/style/noDefaultExport: the module is CommonJS
  export default ip6addr
}
