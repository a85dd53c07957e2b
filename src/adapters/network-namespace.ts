import { readlinkSync } from 'node:fs';

/** The same for processes with the same network; undefined when the process is gone, or is another account's. */
export function networkNamespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Neither that of this machine nor that of examctl itself: what is done in it hurts nobody else. */
export function hasOwnNetwork(pid: number): boolean {
  const network = networkNamespaceOf(pid);
  return network !== undefined && network !== networkNamespaceOf('self') && network !== networkNamespaceOf(1);
}
