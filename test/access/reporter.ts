/** The closing line of `npm run test:access`. */
import type { Reporter, TestModule } from 'vitest/node'

export default class implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const metas = tests.map((test) => test.meta() as { answers?: number; table?: string })
    const answers = metas.reduce((sum, { answers = 0 }) => sum + answers, 0)
    const failed = tests.filter((test) => test.result().state !== 'passed').length
    const table = metas.find(({ table }) => table)?.table ?? 'the tables are incomplete'
    console.log(
      `${answers} answers held: ${table}${failed > 0 ? `; ${failed} of ${tests.length} tests failed` : ''}`,
    )
  }
}
