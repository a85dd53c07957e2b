/** A body as JSON, or as it is: proxies and crashed servers answer as they like. */
export function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
