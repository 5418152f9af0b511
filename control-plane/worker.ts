/** The Worker: the API, and the objects behind it. */
import { app } from './routes/app.ts'

export { Courier } from './courier.ts'
export { Fleet } from './fleet.ts'
export { Migration } from './migration.ts'
export { Timetable } from './timetable.ts'
export default app
