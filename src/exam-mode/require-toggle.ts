import type { Environment } from '../lifecycle/environment.ts';
import { Refused } from '../lifecycle/errors.ts';
import type { Plan } from '../lifecycle/plan.ts';
import { said } from '../lifecycle/redact.ts';
import { attempt } from '../probes/attempt.ts';
import { freezeText, readAdminFreeze } from '../probes/exam-mode-flag.ts';

/** Whatever would make the API refuse the toggle is looked at before anything is changed. */
export async function requireToggle(
  plan: Plan,
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  const usesApi = plan.changes.some(
    ({ apply }) => apply.kind === 'exam-mode-set' && apply.mechanism === 'system-flag',
  );
  if (!usesApi) return;
  const { path } = environment.platform.examMode.toggle;
  const freeze = await attempt(() => readAdminFreeze(environment), signal);
  if ('value' in freeze && freeze.value?.frozen) {
    throw new Refused(
      `the admin freeze is on, ${freezeText(freeze.value)}: the API refuses the toggle (423)`,
      {
        hint: 'lift it first: POST /admin/security/freeze',
      },
    );
  }
  const expired = environment.api.adminTokenExpiresAt;
  if (expired !== undefined && expired <= new Date()) {
    throw new Refused(
      `the administrator's token of ${environment.name} has expired at ${expired.toISOString()}; such tokens live 15 minutes`,
      { hint: 'log in as an administrator, and set api.admin_token anew' },
    );
  }
  const { status, body } = await environment.api.request({ method: 'GET', path, as: 'admin', signal });
  if (status === 401 || status === 403) {
    throw new Refused(`GET ${path} answered ${status}: ${said(body)}; the toggle would be refused as well`, {
      hint: "set a fresh administrator's token: api.admin_token",
    });
  }
  if (status === 404) {
    throw new Refused(`there is no ${path} at ${environment.api.url}: it answered 404`, {
      hint: 'check api.url, and api.base_path where the platform has another one',
    });
  }
}
