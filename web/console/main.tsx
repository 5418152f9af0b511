/** The console, put together. */
import '../no-eval.ts'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Refused } from '../api.ts'
import { router } from './router.tsx'
import { lostSession } from './signed-out.ts'
import { apply } from './theme.ts'

apply()

const onError = (error: Error) => {
  if (error instanceof Refused && error.status === 401) lostSession()
}

const queries = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      // What was refused will be refused again.
      retry: (times, error) =>
        times < 2 && !(error instanceof Refused && error.status >= 400 && error.status < 500),
    },
  },
})

createRoot(document.getElementById('console')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
)
