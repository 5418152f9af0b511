/** As whom the console asks: by the cookie of whoever signed in, or with the token that `dray up` puts into its address. */
const given = new URLSearchParams(location.hash.slice(1)).get('token')
if (given) {
  sessionStorage.setItem('token', given)
  // Out of the address bar, of the history, and of whatever is copied from them.
  history.replaceState(null, '', location.pathname + location.search)
}

/** Of this tab; null where the browser's cookie has to do. */
export const machineToken = (): string | null => sessionStorage.getItem('token')
