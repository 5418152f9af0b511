/**
 * What work holds in memory, in bytes, so that it is admitted against a budget before it begins. The figures are for the dearest
 * kind (TLS on both sides), and a test holds the process to them (test/net/memory.ts).
 */
import { atOnceBytes } from './copy-plan.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** One object or part that streams: what is read and not yet written (512 KiB), the slab being filled, TLS's own buffers. */
export const heldByStream = 1536 * KiB
/** Around each object, however small: its promises, headers, signatures, and a connection at either end. */
const heldAround = 48 * KiB

/** By one object of `size` bytes: a small one is there twice (as it came, and as it goes), a large one never as a whole. */
export const heldBy = (size: number): number =>
  size <= atOnceBytes ? Math.min(2 * size, heldByStream) + heldAround : heldByStream + heldAround

/** A packet that is planned may hold as much for its keys; one that holds more is cut there, and its rest handed back. */
export const planBytes = 4 * MiB
/** Of one listed key, besides itself: the entries of both sides, its row in the baseline. */
export const heldByKey = 700

/** The least that anything can be done with. */
export const leastBudget = 64 * MiB

/** A quarter of the machine, but from 256 MiB to 1 GiB. `machine`: its memory, or what a container may use of it. */
export const usualBudget = (machine: number): number =>
  Math.min(Math.max(Math.floor(machine / 4), 256 * MiB), 1024 * MiB)

/** Packets in work at once: enough to list some while others copy, within a quarter of the budget. */
export const placesFor = (concurrency: number, budget: number): number =>
  Math.min(8, Math.max(2, Math.floor(concurrency / 4)), Math.max(2, Math.floor(budget / 4 / planBytes)))

/** What is left for objects when every place has its plan. */
export const bodyBudget = (concurrency: number, budget: number): number =>
  budget - placesFor(concurrency, budget) * planBytes
