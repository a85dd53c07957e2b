import { describe, expect, it } from 'vitest';
import { actorName, actorOf, userOf } from '../../src/main/actor.ts';

const people = [
  { name: 'ada', roles: ['on-call'], accounts: ['ada'], keys: [] },
  { name: 'ci', roles: ['pipeline'], accounts: ['root', 'runner'], keys: [] },
];

describe('who acts', () => {
  it('is named by EXAMCTL_ACTOR, which gives no role', () => {
    expect(actorOf({ people }, { EXAMCTL_ACTOR: 'ada' }, 'eve')).toEqual({
      name: 'ada',
      roles: [],
      why: {
        text: 'ada acts under ada, and this is eve',
        needed: expect.stringContaining('people, accounts'),
      },
    });
  });

  it('has the roles of the person whose account it is', () => {
    expect(actorOf({ people }, {}, 'ada')).toEqual({ name: 'ada', roles: ['on-call'] });
    expect(actorOf({ people }, { EXAMCTL_ACTOR: 'ci' }, 'runner')).toEqual({
      name: 'ci',
      roles: ['pipeline'],
    });
    expect(actorOf({ people }, {}, 'root')).toEqual({ name: 'root', roles: ['pipeline'] });
    expect(actorOf({ people }, {}, 'eve')).toEqual({ name: 'eve', roles: [] });
  });

  it('cannot be told apart where nobody is listed', () => {
    expect(actorOf({ people: [] }, {}, 'eve')).toEqual({ name: 'eve', roles: null });
  });

  it('is whoever called sudo, which only root can say', () => {
    expect(userOf({ SUDO_USER: 'ada' }, 'root', 0)).toBe('ada');
    expect(userOf({ SUDO_USER: 'ada' }, 'eve', 1000)).toBe('eve');
    expect(actorName({ EXAMCTL_ACTOR: 'ci' })).toBe('ci');
  });
});
