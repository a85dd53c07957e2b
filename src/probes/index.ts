export { type AuditTrailOptions, auditTrail } from './audit-trail.ts';
export { type Canary, type CanaryOptions, walkCanary } from './canary.ts';
export { type ExamModeVerification, type VerifyExamModeOptions, verifyExamMode } from './exam-mode.ts';
export { type ExamModeStatus, examModeStatus } from './exam-mode-status.ts';
export { probeHealth } from './health.ts';
export { steadyState } from './steady-state.ts';
