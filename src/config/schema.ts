import { z } from 'zod';
import type { Service } from '../lifecycle/environment.ts';
import { parseFindingLimit } from '../lifecycle/finding-limit.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { platforms } from '../platforms/index.ts';
import { durationProblem } from './duration.ts';
import type { ValueProblem } from './references.ts';
import { secretProblem, urlProblem } from './secret-rules.ts';

const services = [
  'backend',
  'frontend',
  'database',
  'cache',
  'edge',
  'worker',
] as const satisfies readonly Service[];

export const protocols = {
  api: ['https:', 'http:'],
  database: ['postgres:', 'postgresql:'],
  cache: ['redis:', 'rediss:'],
} as const;

/** A mapping that knows its keys. Of several unknown ones, the message has a line for each, in their order. */
function section<Shape extends z.core.$ZodShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => didYouMean(key, known)).join('\n')
        : undefined,
  });
}

/** Text with a rule of ours; the problem travels in `params`. */
function textWith(rule: (text: string) => Omit<ValueProblem, 'code'> | undefined) {
  return z.string().superRefine((text, context) => {
    const problem = rule(text);
    if (problem !== undefined)
      context.addIssue({ code: 'custom', message: problem.message, params: problem });
  });
}

/** References in plain settings would be taken literally, so they are refused. */
const text = () =>
  textWith((value) => {
    if (value.trim() === '') return { message: 'is empty', hint: 'write a value, or leave the key out' };
    if (!value.includes('${')) return undefined;
    const hint = 'write the value itself: only URLs, tokens and keys are looked up';
    return { message: 'cannot hold a reference', hint };
  });
const textLike = (pattern: RegExp, message: string, hint: string) =>
  textWith((value) => (pattern.test(value) ? undefined : { message, hint }));

const secret = () => textWith(secretProblem);
const url = (allowed: readonly string[]) => textWith((value) => urlProblem(value, allowed));
const duration = () => textWith(durationProblem);
const shareOfOne = () => z.number().min(0).max(1);

const driver = z
  .discriminatedUnion('kind', [
    section({ kind: z.literal('sandbox') }),
    section({ kind: z.literal('none') }),
    section({ kind: z.literal('compose'), file: text(), project: text().optional() }),
    section({ kind: z.literal('kubernetes'), namespace: text(), context: text().optional() }),
    section({
      kind: z.literal('railway'),
      project: text(),
      environment: text(),
      token: secret().optional(),
    }),
  ])
  .describe('how the services are reached and changed');

const mechanism = z.union([
  z.enum(['system-flag', 'system-flag-sql']),
  section({
    'env-file': text().optional().describe('file with NAME=value lines that the service is started with'),
    variable: textLike(/^[A-Za-z_]\w*$/, 'is not the name of a variable', 'as EXAM_MODE'),
    service: z.enum(services).optional().describe('service that reads it; default backend'),
  }),
]);

const ways = (allowed: readonly string[]) => ({
  url: url(allowed).optional().describe('connection string; its password by reference'),
  via: z.literal('driver').optional().describe('go through the service, where no port is open'),
});
const database = section({
  ...ways(protocols.database),
  replica: url(protocols.database)
    .optional()
    .describe('connection string of a replica: integrity checks read there'),
});

const thresholds = section({
  p95_ms: z.number().positive().optional().describe('95th percentile of response times, milliseconds'),
  error_rate: shareOfOne().optional().describe('share of requests that may fail: 0.01 is 1 %'),
  db_pool: shareOfOne().optional().describe('share of the connection pool that may be in use: 0.8 is 80 %'),
}).describe('limits of checks, load runs and verdicts');

/** A percent sign makes it a share of what the check looks at. */
const findingLimit = z
  .union([z.number().superRefine(findingLimitRule), z.string().superRefine(findingLimitRule)])
  .describe('a number of findings, or a share of what the check looks at: 5 or 0.5%');

function findingLimitRule(value: string | number, context: z.RefinementCtx): void {
  if (parseFindingLimit(value) !== undefined) return;
  const message = 'is neither a number of findings nor a share of what is looked at';
  context.addIssue({ code: 'custom', message, params: { hint: 'as 5, or 0.5%' } });
}

const identities = section({
  file: text().optional().describe('CSV with the columns user_id, email, token'),
  signing_key: secret().optional().describe("the platform's JWT signing key: tokens are minted with it"),
  email_domain: textLike(/^[\w-]+(\.[\w-]+)+$/, 'is not a domain', 'as load.example.com').optional(),
  lifetime: duration().optional().describe('how long a minted token is valid; default 4h'),
}).describe('students that a load run acts as');

const environment = section({
  platform: z
    .enum(Object.keys(platforms) as [keyof typeof platforms])
    .optional()
    .describe('kind of exam system'),
  extends: text().optional().describe('environment whose settings hold unless written here'),
  protected: z.boolean().optional().describe('changes need --confirm and a reason, and wait for live exams'),
  driver: driver.optional(),
  services: section(
    Object.fromEntries(services.map((service) => [service, text().optional()])) as Record<
      Service,
      z.ZodOptional<ReturnType<typeof text>>
    >,
  )
    .optional()
    .describe('what each role is called by the driver'),
  api: section({
    url: url(protocols.api).optional().describe('address of the edge, without the base path'),
    base_path: textLike(/^(\/[^/\s]+)+$/, 'is not a base path', 'as /v1 or /api/v1').optional(),
    token: secret().optional().describe('access token of a student or staff account'),
    admin_token: secret().optional().describe('access token of an ADMIN, for exam mode'),
  }).optional(),
  database: database.optional(),
  cache: section(ways(protocols.cache)).optional(),
  exam_mode: section({ mechanisms: z.array(mechanism).min(1) })
    .optional()
    .describe('what switches exam mode, in the order in which it is set'),
  identities: identities.optional(),
  thresholds: thresholds.optional(),
});

const publicKey = textWith((value) => {
  if (value.includes('PRIVATE KEY')) {
    return {
      code: 'clear-secret',
      message: 'holds a private key',
      hint: 'the public one belongs here (*.pub)',
    };
  }
  if (/^(ssh|ecdsa|sk)-\S+ \S+/.test(value)) return undefined;
  return { message: 'is not a public SSH key', hint: 'as "ssh-ed25519 AAAA...", from a *.pub file' };
});

const contact = section({
  name: text().optional(),
  phone: text().optional(),
  email: text().optional(),
  chat: text().optional(),
  hours: text().optional(),
});

const name = (what: string) =>
  textLike(/^[A-Za-z0-9][\w.-]*$/, `is not a name for ${what}`, 'letters, digits, dot, dash, underscore');

/** Whoever writes the key means some environment; whoever wants the sandbox alone leaves it out. */
function notEmpty(environments: object, context: z.RefinementCtx): void {
  if (Object.keys(environments).length > 0) return;
  const params = { code: 'missing-key', hint: 'write one, or leave the key out to use the built-in sandbox' };
  context.addIssue({ code: 'custom', message: 'has no environment', params });
}

export const configSchema = section({
  environments: z
    .record(name('an environment'), environment)
    .superRefine(notEmpty)
    .default({})
    .describe('the deployments that are operated; without the key, the built-in sandbox'),
  thresholds: thresholds.optional(),
  people: z
    .array(
      section({
        name: text().describe('as records show it'),
        roles: z.array(text()),
        accounts: z
          .array(text())
          .optional()
          .describe('the system accounts that this person works under; default: the one of that name'),
        keys: z.array(publicKey).optional().describe('public SSH keys that sign approvals'),
      }),
    )
    .optional()
    .describe('who may do what'),
  contacts: z
    .record(name('a contact'), z.union([text(), contact]))
    .optional()
    .describe('whom to call, by role: a number or address, or a mapping'),
  checks: section({
    folder: text().optional().describe("the team's own checks"),
    thresholds: z
      .record(
        textLike(/^[a-z][a-z0-9-]*$/, 'is not the id of a check', 'as overdue-sessions'),
        section({ warn: findingLimit.optional(), fail: findingLimit.optional() }),
      )
      .optional()
      .describe('by check: from how many findings on it warns, and from how many on it fails'),
    baseline: text().optional().describe('file of accepted findings; default integrity-baseline.json'),
  }).optional(),
}).describe('examctl.yaml');

/** What a person wrote, once its shape is right; relations between keys are not looked at yet. */
export type WrittenConfig = z.infer<typeof configSchema>;
export type WrittenEnvironment = WrittenConfig['environments'][string];

export function jsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { io: 'input' }) as Record<string, unknown>;
}
