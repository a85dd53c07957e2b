import { parseFindingLimit } from '../lifecycle/finding-limit.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { chainOf, type EffectiveEnvironment, type WrittenEnvironments, withParents } from './inherit.ts';
import type { Path, Problem } from './problem.ts';
import { replaceReferences } from './references.ts';
import type { WrittenConfig } from './schema.ts';

/** Relations between keys. Each looks at what was written and names what contradicts itself. */
const fileRules: readonly ((config: WrittenConfig) => Problem[])[] = [
  parentsExist,
  inheritanceEnds,
  peopleHaveDifferentNames,
  checksWarnBeforeTheyFail,
];

/** The same for one environment together with what it inherits. */
const environmentRules: readonly ((environment: EffectiveEnvironment) => Problem[])[] = [
  platformIsChosen,
  driverIsChosen,
  sandboxKnowsItsAddresses,
  connectionsHaveOneWay,
  identitiesHaveOneSource,
  composeMechanismsNameTheirFile,
];

export function brokenFileRules(config: WrittenConfig): Problem[] {
  return fileRules.flatMap((rule) => rule(config));
}

export function brokenEnvironmentRules(environment: EffectiveEnvironment): Problem[] {
  return environmentRules.flatMap((rule) => rule(environment));
}

function parentsExist({ environments }: WrittenConfig): Problem[] {
  const names = Object.keys(environments);
  return Object.entries(environments).flatMap(([name, { extends: parent }]) => {
    if (parent === undefined || names.includes(parent)) return [];
    const others = names.filter((other) => other !== name);
    const hint = others.length === 0 ? 'there is no other environment' : didYouMean(parent, others);
    const path = ['environments', name, 'extends'];
    return [{ code: 'unknown-parent', path, message: `unknown environment "${parent}"`, hint }];
  });
}

function inheritanceEnds({ environments }: WrittenConfig): Problem[] {
  const names = Object.keys(environments);
  return names.flatMap((name) => {
    const chain = chainOf(name, environments);
    const returnsTo = environments[chain.at(-1) ?? '']?.extends;
    // Each circle is named once, at its first member.
    const isFirst = chain.every((member) => names.indexOf(name) <= names.indexOf(member));
    if (returnsTo !== name || !isFirst) return [];
    return [
      {
        code: 'extends-cycle',
        path: ['environments', name, 'extends'],
        message: `extends itself: ${[...chain, name].join(' -> ')}`,
        hint: 'let one of them stand on its own',
      },
    ];
  });
}

function peopleHaveDifferentNames({ people = [] }: WrittenConfig): Problem[] {
  return people.flatMap(({ name }, index) => {
    if (people.findIndex((other) => other.name === name) === index) return [];
    const path = ['people', index, 'name'];
    return [{ code: 'duplicate-name', path, message: `"${name}" is listed twice`, hint: 'join the entries' }];
  });
}

function checksWarnBeforeTheyFail({ checks }: WrittenConfig): Problem[] {
  return Object.entries(checks?.thresholds ?? {}).flatMap(([check, { warn, fail }]) => {
    const path = ['checks', 'thresholds', check];
    if (warn === undefined && fail === undefined) return [eitherOr(path, false, '"warn"', '"fail"')];
    if (warn === undefined || fail === undefined || !isNeverReached(warn, fail)) return [];
    return [
      {
        code: 'contradiction',
        path: [...path, 'warn'],
        message: `has no effect: the check fails from ${fail} on`,
        hint: 'write a smaller limit than that of "fail"',
      },
    ];
  });
}

/** A number and a share cannot be compared before it is known how many are looked at. */
function isNeverReached(warn: string | number, fail: string | number): boolean {
  const [lower, upper] = [parseFindingLimit(warn), parseFindingLimit(fail)];
  if (lower === undefined || upper === undefined) return false;
  if ('count' in lower && 'count' in upper) return lower.count >= upper.count;
  return 'share' in lower && 'share' in upper && lower.share >= upper.share;
}

function platformIsChosen({ name, settings }: EffectiveEnvironment): Problem[] {
  if (settings.platform !== undefined) return [];
  const path = ['environments', name, 'platform'];
  return [{ code: 'missing-key', path, message: 'is missing', hint: 'as platform: exam-platform' }];
}

function driverIsChosen({ name, settings }: EffectiveEnvironment): Problem[] {
  if (settings.driver !== undefined) return [];
  const path = ['environments', name, 'driver'];
  return [
    { code: 'missing-key', path, message: 'is missing', hint: 'as driver: { kind: compose, file: ... }' },
  ];
}

function sandboxKnowsItsAddresses({ settings, writtenIn }: EffectiveEnvironment): Problem[] {
  if (settings.driver?.kind !== 'sandbox') return [];
  return (['services', 'api', 'database', 'cache', 'identities'] as const).flatMap((setting) => {
    const owner = writtenIn(setting);
    if (owner === undefined) return [];
    return [
      {
        code: 'contradiction',
        path: ['environments', owner, setting],
        message: 'has no effect: the sandbox knows its own',
        hint: 'remove it, or choose another driver',
        at: 'key' as const,
      },
    ];
  });
}

function connectionsHaveOneWay({ settings, writtenIn }: EffectiveEnvironment): Problem[] {
  return (['database', 'cache'] as const).flatMap((setting) => {
    const connection = settings[setting];
    const owner = writtenIn(setting);
    if (connection === undefined || owner === undefined) return [];
    if ((connection.url === undefined) !== (connection.via === undefined)) return [];
    return [
      eitherOr(['environments', owner, setting], connection.url !== undefined, '"url"', '"via: driver"'),
    ];
  });
}

function identitiesHaveOneSource({ settings: { identities }, writtenIn }: EffectiveEnvironment): Problem[] {
  const owner = writtenIn('identities');
  if (identities === undefined || owner === undefined) return [];
  const path = ['environments', owner, 'identities'];
  const { file, signing_key, email_domain, lifetime } = identities;
  const minting = { signing_key, email_domain, lifetime };
  const mints = Object.values(minting).some((value) => value !== undefined);
  if ((file === undefined) === !mints) {
    return [eitherOr(path, mints, '"file"', '"signing_key"')];
  }
  if (file !== undefined) return [];
  return (['signing_key', 'email_domain'] as const)
    .filter((key) => minting[key] === undefined)
    .map((key) => ({
      code: 'missing-key',
      path: [...path, key],
      message: 'is missing',
      hint: 'minting tokens takes both signing_key and email_domain',
    }));
}

function eitherOr(path: Path, both: boolean, one: string, other: string): Problem {
  if (both)
    return {
      code: 'contradiction',
      path,
      message: `has both ${one} and ${other}`,
      hint: 'keep one',
      at: 'key',
    };
  return {
    code: 'missing-key',
    path,
    message: `has neither ${one} nor ${other}`,
    hint: 'write one of them',
    at: 'key',
  };
}

function composeMechanismsNameTheirFile({ settings, writtenIn }: EffectiveEnvironment): Problem[] {
  const owner = writtenIn('exam_mode');
  if (settings.driver?.kind !== 'compose' || owner === undefined) return [];
  return (settings.exam_mode?.mechanisms ?? []).flatMap((mechanism, index) => {
    if (typeof mechanism === 'string' || mechanism['env-file'] !== undefined) return [];
    const path = ['environments', owner, 'exam_mode', 'mechanisms', index, 'env-file'];
    return [
      { code: 'missing-key', path, message: 'is missing', hint: 'compose reads variables from a file' },
    ];
  });
}

/** Allowed, but worth a look. */
export function suspicions(environments: WrittenEnvironments): Problem[] {
  return [...sharedSystems(environments), ...unusedLogins(environments), ...withoutApi(environments)];
}

/** Whoever only looks after data and services needs none. */
function withoutApi(environments: WrittenEnvironments): Problem[] {
  return Object.keys(environments).flatMap((name) => {
    const { settings } = withParents(name, environments);
    if (settings.driver === undefined || settings.driver.kind === 'sandbox') return [];
    if (settings.api?.url !== undefined) return [];
    return [
      {
        code: 'no-api',
        path: ['environments', name],
        message: 'has no api.url: exam mode by its flag, load, faults and rehearsals cannot be made',
        hint: 'as api: { url: https://... }',
        at: 'key' as const,
      },
    ];
  });
}

function unusedLogins(environments: WrittenEnvironments): Problem[] {
  return Object.entries(environments).flatMap(([name, { api }]) => {
    if (!/^[a-z]+:\/\/[^/?#]*@/i.test(replaceReferences(api?.url ?? '', '_'))) return [];
    return [
      {
        code: 'unused-login',
        path: ['environments', name, 'api', 'url'],
        message: 'has a login, which is not sent: requests carry the tokens of students and administrators',
        hint: 'take it out; an edge that asks for a login has to let this machine in',
      },
    ];
  });
}

/** Two names for one system make `-e` a matter of luck. */
function sharedSystems(environments: WrittenEnvironments): Problem[] {
  return Object.keys(environments).flatMap((name) => {
    const { settings, writtenIn } = withParents(name, environments);
    if (settings.driver?.kind === 'sandbox') return [];
    const shared = (['api', 'database', 'cache'] as const).filter((setting) => {
      const owner = writtenIn(setting, 'url');
      return owner !== undefined && owner !== name;
    });
    const [first] = shared;
    if (first === undefined) return [];
    return [
      {
        code: 'shared-system',
        path: ['environments', name],
        message: `operates the same ${shared.join(', ')} as ${writtenIn(first, 'url')}`,
        hint: `write its own ${shared.map((setting) => `${setting}.url`).join(', ')}, if it has one`,
        at: 'key' as const,
      },
    ];
  });
}
