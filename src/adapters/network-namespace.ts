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

/** Has a packet sent from the network of a process: the first of a TCP connection, of which nothing else is awaited. */
export async function knockFrom(pid: number, { address, port }: Place, signal: AbortSignal): Promise<void> {
  const { execa } = await import('execa');
  const script = `require('node:net').connect(${port}, '${address}').on('error', () => {}); setTimeout(process.exit, 100)`;
  const args = ['--target', String(pid), '--net', '--', process.execPath, '--eval', script];
  // whether it is answered is not the question, and a packet that could not be sent is one that is not counted
  await execa('nsenter', args, { reject: false, timeout: 5_000, cancelSignal: signal, stdio: 'ignore' });
  signal.throwIfAborted();
}

interface Place {
  readonly address: string;
  readonly port: number;
}
