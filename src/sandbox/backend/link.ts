import type { Disturbance } from '../../lifecycle/disturbance.ts';
import type { Service } from '../../lifecycle/environment.ts';
import type { WatchedDisturbances } from '../disturbances.ts';

/** The network between this process and a neighbour. */
export interface Link {
  /** nothing passes, and nobody is told */
  isCut(): boolean;
  /** milliseconds that what is sent now takes longer; 0 when nothing disturbs */
  latency(): number;
}

/** as TCP waits before it sends a packet again; twice as long each further time */
const retransmitAfterMs = 200;
const retransmissions = 8;

const linked: readonly (readonly [from: Service, to: Service])[] = [
  ['backend', 'database'],
  ['backend', 'cache'],
  ['worker', 'database'],
];

export const links: readonly string[] = linked.map(([from, to]) => `${from} -> ${to}`);

export function linkBetween(from: Service, to: Service, { value }: Pick<WatchedDisturbances, 'value'>): Link {
  const own = () => value().filter((one) => 'from' in one && one.from === from && one.to === to);
  return {
    isCut: () => own().some(({ kind }) => kind === 'network-cut'),
    latency: () => own().reduce((sum, disturbance) => sum + latencyOf(disturbance), 0),
  };
}

function latencyOf(disturbance: Disturbance): number {
  if (disturbance.kind === 'network-delay') return disturbance.milliseconds;
  return disturbance.kind === 'network-loss' ? retransmissionTime(disturbance.share) : 0;
}

function retransmissionTime(share: number): number {
  let time = 0;
  for (let sent = 0; sent < retransmissions && Math.random() < share; sent += 1)
    time += retransmitAfterMs * 2 ** sent;
  return time;
}
