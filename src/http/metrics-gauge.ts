import { Counter, Gauge, type Registry } from 'prom-client';

/** Makes gauges and mirrored counters of one registry. */
export interface Instruments {
  gauge(name: string, help: string): NullableGauge;
  labelled<L extends string>(name: string, help: string, labels: readonly L[]): LabelledGauge<L>;
  /** A gauge of which exactly one label value is 1 and the others are 0. */
  oneOf<V extends string>(name: string, help: string, label: string, values: readonly V[]): OneOfGauge<V>;
  /** A counter that something else counts (Postgres): it shows the value that it is told. */
  mirrored(name: string, help: string): NullableGauge;
}

export interface NullableGauge {
  /** Null: the value is not known, and the series is left out rather than shown with an old value. */
  set(value: number | null): void;
}

export interface LabelledGauge<L extends string> {
  /** Replaces all series. Null: none. */
  replace(
    series: readonly { readonly labels: Readonly<Record<L, string>>; readonly value: number | null }[] | null,
  ): void;
}

export interface OneOfGauge<V extends string> {
  set(value: V): void;
}

export function instruments(registry: Registry): Instruments {
  const registers = [registry];
  return {
    gauge(name, help) {
      const gauge = new Gauge({ name, help, registers });
      gauge.remove();
      return { set: (value) => (value === null ? gauge.remove() : gauge.set(value)) };
    },
    labelled(name, help, labelNames) {
      const gauge = new Gauge({ name, help, labelNames: [...labelNames], registers });
      return {
        replace(series) {
          gauge.reset();
          for (const { labels, value } of series ?? []) if (value !== null) gauge.set({ ...labels }, value);
        },
      };
    },
    oneOf(name, help, label, values) {
      const gauge = new Gauge({ name, help, labelNames: [label], registers });
      return {
        set(value) {
          for (const each of values) gauge.set({ [label]: each }, each === value ? 1 : 0);
        },
      };
    },
    mirrored(name, help) {
      const counter = new Counter({ name, help, registers });
      counter.remove();
      return {
        set(value) {
          if (value === null) return counter.remove();
          counter.reset();
          counter.inc(Math.max(0, value));
        },
      };
    },
  };
}

export const bit = (value: boolean): number => (value ? 1 : 0);

/** Milliseconds as seconds, Prometheus's base unit. */
export const seconds = (value: number | null): number | null => (value === null ? null : value / 1000);

/** An RFC 3339 time as Unix seconds. */
export function timestamp(value: string | null): number | null {
  const at = value === null ? Number.NaN : Date.parse(value);
  return Number.isNaN(at) ? null : at / 1000;
}
