import { burnCpu } from './burn-cpu.ts';
import { delayRelay } from './delay-relay.ts';
import type { HelperDefinition } from './helper.ts';
import { holdConnections } from './hold-connections.ts';
import { holdMemory } from './hold-memory.ts';

export const helpers: readonly HelperDefinition[] = [burnCpu, delayRelay, holdConnections, holdMemory];
