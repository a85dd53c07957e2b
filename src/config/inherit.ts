import type { WrittenEnvironment } from './schema.ts';

export type WrittenEnvironments = Readonly<Record<string, WrittenEnvironment>>;
type Setting = keyof WrittenEnvironment;

/** These are merged key by key; everything else is taken as a whole, as half a driver makes no sense. */
const mergedByKey = ['api', 'services', 'thresholds'] as const satisfies readonly Setting[];

/** An environment together with what it extends. */
export interface EffectiveEnvironment {
  readonly name: string;
  readonly settings: WrittenEnvironment;
  /** the environment in whose text a setting, or one key of it, stands */
  writtenIn(setting: Setting, key?: string): string | undefined;
}

/** The environment, its parent, its parent's parent; ends at an unknown parent or where it would turn in a circle. */
export function chainOf(name: string, environments: WrittenEnvironments): string[] {
  const chain: string[] = [];
  let next: string | undefined = name;
  while (next !== undefined && Object.hasOwn(environments, next) && !chain.includes(next)) {
    chain.push(next);
    next = environments[next]?.extends;
  }
  return chain;
}

export function withParents(name: string, environments: WrittenEnvironments): EffectiveEnvironment {
  const chain = chainOf(name, environments);
  const settings: WrittenEnvironment = {};
  for (const member of chain.toReversed()) override(settings, environments[member] ?? {});
  return {
    name,
    settings,
    writtenIn: (setting, key) => {
      const writers = chain.filter((member) => environments[member]?.[setting] !== undefined);
      if (key === undefined) return writers[0];
      const has = (member: string) => Object.hasOwn(Object(environments[member]?.[setting]), key);
      const candidates = isMergedByKey(setting) ? writers : writers.slice(0, 1);
      return candidates.find(has);
    },
  };
}

function override(settings: WrittenEnvironment, child: WrittenEnvironment): void {
  for (const [setting, value] of Object.entries(child) as [Setting, object][]) {
    const inherited = isMergedByKey(setting) ? settings[setting] : undefined;
    Object.assign(settings, { [setting]: inherited === undefined ? value : { ...inherited, ...value } });
  }
}

function isMergedByKey(setting: Setting): setting is (typeof mergedByKey)[number] {
  return mergedByKey.some((one) => one === setting);
}
