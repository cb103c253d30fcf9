import { resolve } from 'node:path';
import { HalfMadeError, UnknownMemberError } from './errors.ts';
import { type Layout, layoutOf, type MemberLayout, memberLayout } from './layout.ts';
import { type Manifest, readManifest } from './manifest.ts';

export interface DemoMember extends MemberLayout {
  readonly name: string;
  readonly port: number;
  readonly httpPort: number;
}

/** A demo cluster on disk; whether it runs is another matter. */
export interface Demo {
  readonly layout: Layout;
  readonly manifest: Manifest;
  readonly members: readonly DemoMember[];
}

/** Reads the demo in a directory. Throws NoDemoError, HalfMadeError, OtherVersionError, BrokenManifestError. */
export async function openDemo(dir: string): Promise<Demo> {
  const layout = layoutOf(resolve(dir));
  const manifest = await readManifest(layout);
  if (manifest.stage !== 'created') throw new HalfMadeError(layout.dir);
  return demoOf(layout, manifest);
}

export function demoOf(layout: Layout, manifest: Manifest): Demo {
  const members = manifest.members.map((member) => ({ ...member, ...memberLayout(layout, member.name) }));
  return { layout, manifest, members };
}

/** The named member, or UnknownMemberError. */
export function demoMember(demo: Demo, name: string): DemoMember {
  const member = demo.members.find((candidate) => candidate.name === name);
  if (member === undefined)
    throw new UnknownMemberError(
      name,
      demo.members.map((candidate) => candidate.name),
    );
  return member;
}

export const apiUrl = (manifest: Manifest): string => `http://${manifest.host}:${manifest.apiPort}`;
