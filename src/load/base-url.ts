import type { Api } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';

/** The API's address with its base path: load engines make thousands of requests and cannot each ask the port. */
export async function findBaseUrl(
  api: Api,
  basePaths: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const seen: string[] = [];
  for (const basePath of basePaths) {
    const { status } = await api.request({ method: 'GET', path: `/${basePath}/health`, signal });
    if (status === 200) return `${api.url.replace(/\/$/, '')}${basePath}`;
    seen.push(`${basePath}/health answered ${status}`);
  }
  throw new Undetermined(`no exam API under ${api.url}: ${seen.join(', ')}`, {
    hint: 'see whether the backend runs (of a sandbox: examctl sandbox status); api.url in examctl.yaml is the address without /v1',
  });
}
