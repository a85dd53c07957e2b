/** Facts of one kind of exam system, as data. `src/platforms/` holds one file for each. */
export interface Platform {
  readonly id: 'exam-platform';
  readonly title: string;
  /** paths under which the API may be mounted, in the order to try */
  readonly basePaths: readonly string[];
  readonly health: readonly HealthEndpoint[];
  readonly examMode: ExamModeFacts;
  /** backend connection pool: connections that one worker process may open */
  readonly poolPerWorker: number;
  /** LIKE patterns of application_name under which the backend's pool connects */
  readonly poolApplications: readonly string[];
  /** worker processes behind one backend instance, unless the variable of the running service says otherwise */
  readonly workersPerInstance: {
    readonly variable: string;
    readonly byDriver: Readonly<Record<'sandbox' | 'compose' | 'kubernetes' | 'railway' | 'none', number>>;
  };
  /** SQL, no parameters; one row {in_progress: int, last_ends_at: timestamptz|null} */
  readonly sessionsInProgressSql: string;
  /** the same without the rehearsal's own students; parameters: their e-mail domain or null, their user ids */
  readonly sessionsOfOthersSql: string;
  /** SQL, parameters: e-mail domain, most rows; rows {id, email, role} of the active students whose address is at it */
  readonly studentsOfDomainSql: string;
  readonly scenarios: readonly string[];
  /** relative to the base path; POST {refresh_token} answers {tokens: {access_token, refresh_token}} */
  readonly refreshPath: string;
  /**
   * SQL, parameters: from and until which time; rows {started_ms: float8, seconds: int|null with extra time,
   * submit_seconds: float8|null, answers: int} of the exam sessions that started then
   */
  readonly examSessionsSql: string;
  readonly integrity: IntegrityFacts;
  readonly ledger: LedgerFacts;
}

/** What a window of sessions, or of time, leaves of the tables that checks read. */
export interface IntegrityFacts {
  /** table -> the column that holds the session's id */
  readonly sessionColumns: Readonly<Record<string, string>>;
  /** of these, the one in which each thing that happens leaves a row */
  readonly eventTable: string;
  /** table -> SQL of the time at which its row `t` was last written; tables that are not here have no window of time */
  readonly writtenAt: Readonly<Record<string, string>>;
  /** SQL, no parameters; one row {revision: text} */
  readonly revisionSql: string;
}

/** What is stored of the sessions that a load run's ledger knows. Parameter of each: session ids, uuid[]. */
export interface LedgerFacts {
  /** SQL; rows {session_id, question_id, answer_id: uuid, value: int|null, written_ms: float8, since 1970} */
  readonly answersSql: string;
  /**
   * SQL; rows {session_id: uuid, status: text, submitted: bool, score: int|null, recomputed: int|null, event_scores: int}:
   * the score that the stored answers make, null where they cannot be scored, and how many different scores its submit
   * events have
   */
  readonly sessionsSql: string;
}

/** An endpoint whose body, not its status, tells whether the part is up. */
export interface HealthEndpoint {
  readonly id: string;
  /** as ApiRequest.path */
  readonly path: string;
  readonly title: string;
  /** dotted path into the JSON body, and the value it must have */
  readonly expect: { readonly path: string; readonly value: string };
  readonly source: string;
}

export interface ExamModeFacts {
  /** system_flags.key */
  readonly flag: string;
  /** environment variable that the documents name; whatever it says, only the flag has an effect */
  readonly variable: string;
  /** system_flags.key of the neighbouring switch that stops answers and submits */
  readonly freezeFlag: string;
  readonly toggle: {
    readonly path: string;
    readonly phraseOn: string;
    readonly phraseOff: string;
  };
  /** seconds that a worker may answer with the old value after a toggle */
  readonly cacheSeconds: number;
  /** statuses with which a blocked operation answers */
  readonly blockedStatuses: readonly number[];
  /** error code in the body that tells exam mode from other locks; absent in the 403 answer of the planning documents */
  readonly blockedCode: string;
  /** codes of neighbouring locks that use the same status, and what each is */
  readonly otherLocks: Readonly<Record<string, string>>;
  /** answers 401 to nobody whatever exam mode is: shows that a 403 without a code is not the answer to a missing login */
  readonly loginRequiredPath: string;
  readonly blocked: readonly BlockedOperation[];
  readonly allowed: readonly AllowedOperation[];
  readonly jobs: readonly string[];
}

export interface BlockedOperation {
  readonly action: string;
  readonly path: string;
  /** false: its rate limiter authenticates first, so the anonymous probe cannot see the gate (answers 401 either way) */
  readonly anonymousProbe: boolean;
}

/** A probe without side effects that proves that an operation is still open: the request and the statuses that mean open. */
export interface AllowedOperation {
  readonly id: string;
  readonly title: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly as: 'nobody' | 'student';
  readonly openStatuses: readonly number[];
}
