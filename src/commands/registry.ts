import type { Command } from 'commander';

type Register = (program: Command) => void;

/**
 * Every command, in the order of `--help`, each loaded only when it is wanted: `pgwarden run` has to get to
 * Postgres before anything else.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  run: async () => (await import('./run.ts')).registerRun,
  demo: async () => (await import('./demo.ts')).registerDemo,
  status: async () => (await import('./status.ts')).registerStatus,
  history: async () => (await import('./history.ts')).registerHistory,
  switchover: async () => (await import('./switchover.ts')).registerSwitchover,
  failover: async () => (await import('./failover.ts')).registerFailover,
  fence: async () => (await import('./fence.ts')).registerFence,
  unfence: async () => (await import('./unfence.ts')).registerUnfence,
  pause: async () => (await import('./pause.ts')).registerPause,
  resume: async () => (await import('./resume.ts')).registerResume,
  restart: async () => (await import('./restart.ts')).registerRestart,
  reload: async () => (await import('./reload.ts')).registerReload,
  reinitialize: async () => (await import('./reinitialize.ts')).registerReinitialize,
  restore: async () => (await import('./restore.ts')).registerRestore,
  recover: async () => (await import('./recover.ts')).registerRecover,
  'wal-fetch': async () => (await import('./wal-fetch.ts')).registerWalFetch,
  backup: async () => (await import('./backup.ts')).registerBackup,
  range: async () => (await import('./range.ts')).registerRange,
  retention: async () => (await import('./retention.ts')).registerRetention,
  verify: async () => (await import('./verify.ts')).registerVerify,
  drill: async () => (await import('./drill.ts')).registerDrill,
  config: async () => (await import('./config.ts')).registerConfig,
  api: async () => (await import('./api.ts')).registerApi,
  secrets: async () => (await import('./secrets.ts')).registerSecrets,
  pooler: async () => (await import('./pooler.ts')).registerPooler,
  certs: async () => (await import('./certs.ts')).registerCerts,
  probe: async () => (await import('./probe.ts')).registerProbe,
  version: async () => (await import('./version.ts')).registerVersion,
  'drill-worker': async () => (await import('./drill-worker.ts')).registerDrillWorker,
  'demo-api': async () => (await import('./demo-processes.ts')).registerDemoApi,
  'demo-supervisor': async () => (await import('./demo-processes.ts')).registerDemoSupervisor,
};
