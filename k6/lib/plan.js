// The plan is made by examctl (src/load/load-plan.ts): who does what and when, in seconds from the start of the
// measured window. Negative times prepare the window.
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';

// Shared, because each virtual user would otherwise hold a copy of all students. A big plan comes in several files.
const files = __ENV.EXAMCTL_LOAD_PLAN.split(',');
const students = new SharedArray('students', () => files.flatMap((file) => JSON.parse(open(file)).students));
const [about] = new SharedArray('about', () => {
  const { students: _, ...rest } = JSON.parse(open(files[0]));
  return [{ ...rest, count: students.length }];
});

export const plan = about;

/** Each virtual user is one student, once. */
export const options = {
  scenarios: {
    [plan.scenario]: {
      executor: 'per-vu-iterations',
      vus: plan.count,
      iterations: 1,
      // with the time in which workers wait for one another
      maxDuration: `${5 + plan.leadInSeconds + plan.seconds + plan.graceSeconds}s`,
      gracefulStop: `${plan.requestTimeoutSeconds}s`,
    },
  },
  thresholds: {
    'http_req_duration{phase:measured}': [`p(95)<${plan.thresholds.p95Ms}`],
    'http_req_failed{phase:measured}': [`rate<${plan.thresholds.errorRate}`],
  },
  systemTags: ['name', 'status', 'error_code', 'error'],
};

export function thisStudent() {
  return students[exec.vu.idInTest - 1];
}

/** Milliseconds since 1970 at which the measured window starts, the same for all students. */
export function windowStart() {
  return plan.windowStart ?? exec.scenario.startTime + plan.leadInSeconds * 1000;
}

export function deadline() {
  return windowStart() + (plan.seconds + plan.graceSeconds) * 1000;
}
