import { describe, expect, it } from 'vitest';
import { type AuthorizationRequest, authorize } from '../../../src/lifecycle/authorize.ts';
import { Refused } from '../../../src/lifecycle/errors.ts';
import { planOf } from '../../support/fake-lifecycle.ts';

const disruptive = (sessionsInProgress: number | null) => ({
  ...planOf([]),
  impact: { sessionsInProgress, lastEndsAt: '2026-11-22T14:30:00.000Z', disruptive: true, text: '' },
});

const onProd: AuthorizationRequest = {
  plan: disruptive(0),
  environment: { name: 'prod', protected: true },
  actor: { name: 'ada', roles: null },
  confirmed: 'prod',
  reason: 'a drill',
  breakGlass: false,
};

function refusal(request: Partial<AuthorizationRequest>): string | undefined {
  try {
    authorize({ ...onProd, ...request });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(Refused);
    return `${(error as Refused).message} / ${(error as Refused).hint}`;
  }
}

describe('authorize', () => {
  it('allows a confirmed change with a reason while no exam is live', () => {
    expect(refusal({})).toBeUndefined();
  });

  it('asks nothing of an environment that is not protected', () => {
    const environment = { name: 'sandbox', protected: false };
    expect(
      refusal({ environment, confirmed: undefined, reason: undefined, plan: disruptive(40) }),
    ).toBeUndefined();
  });

  it.each([
    [{ confirmed: undefined }, '--confirm prod'],
    [{ confirmed: 'staging' }, "not this environment's name"],
    [{ reason: undefined }, '--reason'],
    [{ plan: disruptive(214) }, '214 students are in an exam until 2026-11-22T14:30:00.000Z'],
    [{ plan: disruptive(null) }, 'not known whether an exam is live'],
    [{ actor: { name: 'eve', roles: [] } }, 'eve has no role'],
    [{ actor: { name: 'ada', roles: [], why: { text: 'this is eve', needed: 'x' } } }, 'this is eve'],
    [
      { breakGlass: true, reason: undefined, environment: { name: 'x', protected: false } },
      'break-glass goes on record',
    ],
  ] satisfies [Partial<AuthorizationRequest>, string][])('refuses %j', (request, text) => {
    expect(refusal(request)).toContain(text);
  });

  it('lets break-glass with a reason through during an exam', () => {
    expect(refusal({ plan: disruptive(214), breakGlass: true })).toBeUndefined();
    expect(refusal({ plan: disruptive(null), breakGlass: true })).toBeUndefined();
  });

  it('names every objection at once', () => {
    const text = refusal({ confirmed: undefined, reason: undefined, plan: disruptive(1) });
    expect(text).toContain('protected environment');
    expect(text).toContain('need a reason');
    expect(text).toContain('1 student is');
  });
});
