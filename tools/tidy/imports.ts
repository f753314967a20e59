/** Reads what a source file imports and how long its functions are, from its syntax tree. */
import { parseSync } from 'oxc-parser'

export interface SourceFacts {
  /** Module specifiers of static, dynamic and re-exporting imports. */
  readonly imports: ReadonlyArray<string>
  /** Specifiers imported for their values, not only for types. */
  readonly valueImports: ReadonlyArray<string>
  /** Lines of each function, with the line it starts at. */
  readonly functions: ReadonlyArray<{ readonly line: number; readonly lines: number }>
  readonly hasDefaultExport: boolean
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

const visit = (node: Node, see: (node: Node) => void): void => {
  see(node)
  for (const child of Object.values(node)) {
    for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) visit(one, see)
  }
}

const functionTypes = new Set([
  'ArrowFunctionExpression',
  'FunctionDeclaration',
  'FunctionExpression',
])
const importTypes = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration'])

const specifierOf = (node: Node): string | undefined => {
  if (!importTypes.has(node.type) && node.type !== 'ImportExpression') return undefined
  const source = node.source
  return isNode(source) && typeof source.value === 'string' ? source.value : undefined
}

const isTypeOnly = (node: Node): boolean =>
  node.importKind === 'type' ||
  node.exportKind === 'type' ||
  (Array.isArray(node.specifiers) &&
    node.specifiers.length > 0 &&
    node.specifiers.every((one: Node) => one.importKind === 'type' || one.exportKind === 'type'))

export const factsOf = (name: string, text: string): SourceFacts => {
  const program = parseSync(name, text).program as unknown as Node
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length
  const imports: string[] = []
  const valueImports: string[] = []
  const functions: Array<{ line: number; lines: number }> = []
  let hasDefaultExport = false
  visit(program, (node) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) imports.push(specifier)
    if (specifier !== undefined && !isTypeOnly(node)) valueImports.push(specifier)
    if (node.type === 'ExportDefaultDeclaration') hasDefaultExport = true
    if (functionTypes.has(node.type)) {
      const line = lineAt(node.start)
      functions.push({ line, lines: lineAt(node.end) - line + 1 })
    }
  })
  return { imports, valueImports, functions, hasDefaultExport }
}
