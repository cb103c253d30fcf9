import type { TestProject } from 'vitest/node';
import { buildImage } from '../container-image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The image that docker-compose.yml runs. */
    composeImage: string;
  }
}

/** A Docker engine with Compose, and the image in it: IMAGE where it is given. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { IMAGE } = process.env;
  const { name, release } = IMAGE ? { name: IMAGE, release: async () => {} } : await buildImage();
  project.provide('composeImage', name);
  return release;
}
