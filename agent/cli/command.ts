/** How a noun's commands come into the command line: each registers its own, with its options and its help; its work is loaded when it is asked for. */
import type { Command } from 'commander'
import type { Io } from './io.ts'

/** Runs `work` for a command; what comes back is the exit status. */
export type Run = (options: { stateDir?: string }, work: (io: Io) => Promise<number>) => Promise<void>
export type Register = (program: Command, run: Run) => void

/** Makes a command of `dray migration`, about the one whose id is its first argument. */
export type One = (name: string, description: string, isDefault?: boolean) => Command
/** More commands of `dray migration`. */
export type RegisterMore = (one: One, run: Run) => void
