/** What a bench writes (`--json`) and what the README's table is made of. */

export interface Row {
  workload: string
  tool: string
  objects: number
  bytes: number
  wallSeconds: number
  /** Of the client, user and system. */
  cpuSeconds: number
  /** The most that its processes held at once. */
  memoryMiB: number
  /** CPU of one object or one gigabyte (10⁹ bytes), start-up included. */
  cpuPer: number
  unit: 'ms/object' | 's/GB'
  /** rclone's figure divided by this one: above 1, less than rclone. Null without rclone. */
  wallRatio: number | null
  cpuRatio: number | null
  memoryRatio: number | null
}

export interface Results {
  /** ISO 8601. */
  date: string
  machine: string
  node: string
  /** A tenth of the work, once: good for a look, not for a table. */
  quick: boolean
  /** Each figure is the median of so many runs. */
  repeats: number
  rows: Row[]
}
