/** Every command with the line that --help shows; in the order in which an exam day needs them. */
export const commandNames: readonly (readonly [name: string, summary: string])[] = [
  ['status', 'show on one screen how an environment stands'],
  ['rehearse', 'rehearse an exam day and give a verdict: GO, NO-GO or INCONCLUSIVE'],
  ['exam-mode', 'switch exam mode on and off, and prove that the platform obeys'],
  ['integrity', 'check the data of the exams for lost, doubled and contradictory records'],
  ['load', 'act as many students at once and keep a ledger of what was acknowledged'],
  ['fault', 'break something on purpose, and bring it back'],
  ['services', 'show, start, stop and restart services, and read their logs'],
  ['metrics', 'capture connections, sessions, requests and processes into a folder'],
  ['runs', 'show what ran, what is still open, and who holds the run lock'],
  ['recover', 'undo what a run left behind when its process died'],
  ['audit', 'show, verify and export the log of who did what'],
  ['sandbox', 'an exam platform on this machine, to practise on and to break'],
  ['env', 'show the environments of the configuration'],
  ['config', 'check the configuration, print its schema'],
  ['doctor', 'see whether this machine has what examctl needs'],
  ['explain', 'explain an exit code'],
];
