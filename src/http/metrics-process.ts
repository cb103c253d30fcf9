import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

/**
 * The agent's own process, under the names that dashboards for Node know. Only what costs nothing between scrapes:
 * prom-client's full set keeps a 10 ms event-loop timer and a garbage-collection observer running.
 */
export function processMetrics(registry: Registry): void {
  const registers = [registry];
  const startedAt = (performance.timeOrigin / 1000).toFixed(3);
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the agent started, in Unix time.',
    registers,
    collect() {
      this.set(Number(startedAt));
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of the agent.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the agent.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_proportional_memory_bytes',
    help: 'Proportional set size (PSS) of the agent, from /proc/self/smaps_rollup.',
    registers,
    collect() {
      const pss = proportionalBytes();
      if (pss === null) this.remove();
      else this.set(pss);
    },
  });
  new Gauge({
    name: 'process_open_fds',
    help: 'Open file descriptors of the agent.',
    registers,
    collect() {
      try {
        this.set(readdirSync('/proc/self/fd').length);
      } catch {
        this.remove(); // No /proc: not known.
      }
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'Used heap of the agent.',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  let before = performance.eventLoopUtilization();
  new Gauge({
    name: 'nodejs_eventloop_utilization_ratio',
    help: 'Share of the time since the last scrape in which the event loop was busy.',
    registers,
    collect() {
      const now = performance.eventLoopUtilization();
      this.set(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  });
  new Gauge({
    name: 'nodejs_eventloop_lag_seconds',
    help: 'How long a callback waited for its turn at this scrape.',
    registers,
    async collect() {
      const queuedAt = performance.now();
      await new Promise(setImmediate);
      this.set((performance.now() - queuedAt) / 1000);
    },
  });
  new Gauge({
    name: 'nodejs_version_info',
    help: 'Version of Node.',
    labelNames: ['version'],
    registers,
  }).set({ version: process.version }, 1);
}

function proportionalBytes(): number | null {
  try {
    const match = /^Pss:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}
