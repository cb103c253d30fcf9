/** What the tests read of a pod. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly restartCount: number;
      readonly ready: boolean;
      readonly containerID?: string;
    }[];
  };
}

export function isReady({ metadata, status }: Pod): boolean {
  const { containerStatuses = [] } = status;
  return (
    metadata.deletionTimestamp === undefined &&
    containerStatuses.length > 0 &&
    containerStatuses.every(({ ready }) => ready)
  );
}
