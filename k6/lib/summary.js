/** For examctl, which reads k6's own totals from this file and nothing from the console. */
export function handleSummary({ metrics }) {
  return { [__ENV.EXAMCTL_LOAD_SUMMARY]: JSON.stringify({ metrics }) };
}
