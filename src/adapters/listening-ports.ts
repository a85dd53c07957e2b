import { readProcFile } from './processes.ts';

/** TCP ports on which somebody listens in the network of the process, for others than itself. */
export function listeningPorts(pid: number): number[] {
  const ports = ['tcp', 'tcp6'].flatMap((table) =>
    (readProcFile(`/proc/${pid}/net/${table}`) ?? '')
      .trim()
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/);
        const [address = '', port = ''] = local.split(':');
        return state === '0A' && /^0+$/.test(address) ? [Number.parseInt(port, 16)] : [];
      }),
  );
  return [...new Set(ports)].sort((a, b) => a - b);
}
