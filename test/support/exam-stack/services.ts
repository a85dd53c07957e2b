/** Names of the compose file, by role: not the roles themselves, as with the real ones. */
export const stackServices = {
  database: 'postgres_staging',
  cache: 'redis_staging',
  backend: 'backend_staging',
  edge: 'traefik',
  worker: 'jobs',
} as const;

export type Role = keyof typeof stackServices;

export const ports = { database: 5432, cache: 6379, backend: 8000, edge: 8080 } as const;
export const roles = Object.keys(stackServices) as Role[];

const hostNumbers: Readonly<Record<Role, number>> = {
  database: 10,
  cache: 11,
  backend: 12,
  edge: 13,
  worker: 14,
};

export function addressOf(role: Role, net: string): string {
  return `${net}.${hostNumbers[role]}`;
}
