/** The Worker: the API, and the two objects behind it. */
import { app } from './routes/app.ts'

export { Fleet } from './fleet.ts'
export { Migration } from './migration.ts'
export default app
