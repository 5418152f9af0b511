import type { Register } from '../command.ts'
import { moving } from '../moving.ts'

export const registerMoving: Register = (program, run) => {
  for (const kind of ['copy', 'verify'] as const) {
    moving(program, kind).action((source: string, destination: string, options: { stateDir?: string }) =>
      run(options, async (io) => {
        const { parseRequest } = await import('../request.ts')
        const request = parseRequest(kind, source, destination, options, io.cwd)
        const { runPass } = await import('../run-pass.ts')
        return runPass(request, io)
      }),
    )
  }
}
