import type { SandboxConfig } from '../config.ts';

/** An answer other than 2xx that the platform means to give. Whatever else is thrown is an unhandled 500. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    { details = null, headers = {} }: { details?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

export interface ErrorContent {
  readonly code: string;
  readonly message: string;
  readonly details: unknown;
  readonly requestId: string;
}

export function errorBody(
  revision: SandboxConfig['revision'],
  { code, message, details, requestId }: ErrorContent,
) {
  return revision === 'R1'
    ? { error: { code, message, details, request_id: requestId } }
    : { error_code: code, message, details, request_id: requestId };
}

export function plainError(status: number, message: string, details: unknown = null): ApiError {
  return new ApiError(status, 'HTTP_ERROR', message, { details });
}

export function unauthorized(message = 'Not authenticated'): ApiError {
  return new ApiError(401, 'UNAUTHORIZED', message);
}

export function forbidden(message = 'Insufficient permissions'): ApiError {
  return new ApiError(403, 'FORBIDDEN', message);
}

export interface InvalidField {
  readonly field: string;
  readonly issue: string;
  readonly type: string;
}

export function invalid(fields: readonly InvalidField[]): ApiError {
  return new ApiError(422, 'VALIDATION_ERROR', 'Request validation failed', { details: fields });
}

export function rateLimited(seconds: number): ApiError {
  return new ApiError(429, 'RATE_LIMITED', 'Too many requests', {
    details: { retry_after_seconds: seconds },
    headers: { 'Retry-After': String(seconds) },
  });
}
