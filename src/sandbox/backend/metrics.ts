const buckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

interface Histogram {
  readonly counts: number[];
  count: number;
  sum: number;
}

/** The registry of this worker alone. The route is the raw path, so the series grow with the sessions, as on the platform. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, Histogram>();
  readonly #started = Date.now() / 1000;

  observe(method: string, route: string, status: number, seconds: number): void {
    const labels = `method="${method}",route="${escapeLabel(route)}"`;
    const request = `${labels},status="${status}"`;
    this.#requests.set(request, (this.#requests.get(request) ?? 0) + 1);
    let histogram = this.#durations.get(labels);
    if (histogram === undefined) {
      histogram = { counts: buckets.map(() => 0), count: 0, sum: 0 };
      this.#durations.set(labels, histogram);
    }
    const bucket = buckets.findIndex((limit) => seconds <= limit);
    if (bucket >= 0) histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
    histogram.count += 1;
    histogram.sum += seconds;
  }

  /** Prometheus text format */
  text(): string {
    const { user, system } = process.cpuUsage();
    return [
      ...gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', process.memoryUsage.rss()),
      ...gauge('process_start_time_seconds', 'Start time of the process since unix epoch.', this.#started),
      ...family('process_cpu_seconds_total', 'counter', 'Total user and system CPU time spent in seconds.'),
      `process_cpu_seconds_total ${(user + system) / 1e6}`,
      ...family('http_requests_total', 'counter', 'Total HTTP requests'),
      ...[...this.#requests].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
      ...family('http_request_duration_seconds', 'histogram', 'HTTP request duration in seconds'),
      ...[...this.#durations].flatMap(([labels, histogram]) => histogramLines(labels, histogram)),
      '',
    ].join('\n');
  }
}

function histogramLines(labels: string, { counts, count, sum }: Histogram): string[] {
  const name = 'http_request_duration_seconds';
  let below = 0;
  return [
    ...buckets.map((limit, index) => {
      below += counts[index] ?? 0;
      return `${name}_bucket{${labels},le="${limit}"} ${below}`;
    }),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_count{${labels}} ${count}`,
    `${name}_sum{${labels}} ${sum}`,
  ];
}

function gauge(name: string, help: string, value: number): string[] {
  return [...family(name, 'gauge', help), `${name} ${value}`];
}

function family(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
