import type { Disturbance } from '../lifecycle/disturbance.ts';

export function describeDisturbance(disturbance: Disturbance): string {
  switch (disturbance.kind) {
    case 'network-cut':
      return `let nothing pass between ${disturbance.from} and ${disturbance.to}`;
    case 'network-loss':
      return `lose ${percent(disturbance.share)} of the packets between ${disturbance.from} and ${disturbance.to}`;
    case 'network-delay':
      return `delay what ${disturbance.from} sends to ${disturbance.to} by ${disturbance.milliseconds} ms`;
    case 'cpu':
      return `keep ${disturbance.cores} ${disturbance.cores === 1 ? 'core' : 'cores'} busy beside ${disturbance.service}`;
    case 'memory':
      return `take ${percent(disturbance.share)} of the memory that ${disturbance.service} may use`;
    case 'disk':
      return `fill ${disturbance.path === '' ? 'the first tmpfs' : disturbance.path} of ${disturbance.service}`;
    case 'vendor':
      return disturbance.answer === 'timeout'
        ? 'let the vendors of the platform answer nothing'
        : `let the vendors of the platform answer ${disturbance.answer}`;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
