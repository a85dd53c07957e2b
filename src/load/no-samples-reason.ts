import type { Cause } from './failure.ts';
import type { PhaseTally } from './tally.ts';

interface Reason {
  readonly message: string;
  readonly hint: string;
}

/** Why a run has no accepted request, from what was answered instead, before the window if nothing in it. */
export function noSamplesReason(tally: {
  readonly measured: PhaseTally;
  readonly notMeasured: PhaseTally;
  causes(): readonly Cause[];
}): Reason {
  const { measured, notMeasured } = tally;
  const answered = measured.requests > 0 ? measured : notMeasured;
  const where = measured.requests > 0 ? '' : ', so that nothing was measured';
  if (answered.requests === 0) {
    return {
      message: 'no request was sent',
      hint: 'run it again; with --debug it says what the engine said',
    };
  }
  const failures = Object.entries(answered.byStatus).filter(([status]) => !status.startsWith('2'));
  const [status = '', count = 0] = failures.sort(([, a], [, b]) => b - a)[0] ?? [];
  const isUntrusted =
    status === '0' && tally.causes().some(({ first }) => /x509|certificate/i.test(first?.said ?? ''));
  const { message, hint } = isUntrusted ? untrusted : meaningOf(status);
  return { message: `${message}: ${count} of ${answered.requests} requests${where}`, hint };
}

/** Neither engine has a code for it that the other one has, too. */
const untrusted: Reason = {
  message: 'the certificate of the API is not trusted',
  hint: 'a certificate authority of your own is trusted when NODE_EXTRA_CA_CERTS or SSL_CERT_FILE names the file with its certificate (PEM)',
};

function meaningOf(status: string): Reason {
  switch (status) {
    case '':
      return { message: 'no measured request', hint: 'run it longer, or with more students' };
    case '0':
      return {
        message: 'the API did not answer',
        hint: 'see whether the backend runs; of a sandbox: examctl sandbox status',
      };
    case '401':
      return {
        message: 'token refused (401)',
        hint: 'the tokens of the identities are expired or signed by another key: get new ones',
      };
    case '403':
      return {
        message: 'identities refused (403)',
        hint: 'load needs active accounts with the role STUDENT',
      };
    case '429':
      return {
        message: 'rate limited (429)',
        hint: 'use one identity per virtual student, and wait a minute without requests before the next run',
      };
    default:
      return {
        message: status.startsWith('5') ? `server errors (${status})` : `all refused (${status})`,
        hint: 'examctl metrics capture shows the errors in the backend log',
      };
  }
}
