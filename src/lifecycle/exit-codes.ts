/** What each exit code means, in one place: DESIGN 6. */
export const exitCodes: readonly {
  readonly code: number;
  readonly meaning: string;
  readonly next: string;
}[] = [
  { code: 0, meaning: 'done; nothing bad was found; GO', next: 'nothing' },
  {
    code: 1,
    meaning: 'it was determined, and the answer is bad: a failed check, a crossed threshold, drift, NO-GO',
    next: 'read the reasons, which come first; nothing is broken by examctl',
  },
  {
    code: 2,
    meaning: 'wrong usage or configuration; nothing was done',
    next: 'correct the flag or the line that the message names; examctl config check',
  },
  {
    code: 3,
    meaning: 'it could not be determined: unreachable, timed out, evidence missing, INCONCLUSIVE',
    next: 'make visible what the message names, then ask again: this is not an all-clear',
  },
  {
    code: 4,
    meaning:
      'refused, nothing was changed: protected, live exam, run lock held, missing role, stale plan, orphan run',
    next: 'the message says what would be needed',
  },
  { code: 5, meaning: 'failed, and reverted: the environment is as before', next: 'examctl runs show RUN' },
  {
    code: 6,
    meaning: 'failed, and NOT reverted: a person must act; wins over all other codes',
    next: 'the message names what is left and the command that undoes it; examctl recover',
  },
  { code: 70, meaning: 'a bug in examctl', next: 'run it again with --debug and report the stack' },
  { code: 130, meaning: 'interrupted by Ctrl-C; what was open has been reverted', next: 'examctl runs list' },
  { code: 143, meaning: 'ended by SIGTERM; what was open has been reverted', next: 'examctl runs list' },
];
