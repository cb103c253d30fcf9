import { readFile, writeFile } from 'node:fs/promises';

/** Of ELF's 64-bit header and program headers (elf(5)). */
const E_PHOFF = 32;
const E_PHENTSIZE = 54;
const E_PHNUM = 56;
const PT_DYNAMIC = 2;
const DT_NULL = 0n;
const DT_DEBUG = 21n;
/** DT_LOOS: of the operating system, and of no meaning to this one. */
const DT_IGNORED = 0x6000000dn;

/**
 * Makes a program start whose dynamic section `patchelf` put into a page that cannot be written to: the loader writes
 * the address for debuggers there (ld.so, DT_DEBUG), and dies of it. Without that entry it writes nothing.
 */
export async function repairProgram(path: string): Promise<void> {
  const bytes = await readFile(path);
  const table = Number(bytes.readBigUInt64LE(E_PHOFF));
  for (let index = 0; index < bytes.readUInt16LE(E_PHNUM); index++) {
    const header = table + index * bytes.readUInt16LE(E_PHENTSIZE);
    if (bytes.readUInt32LE(header) !== PT_DYNAMIC) continue;
    const from = Number(bytes.readBigUInt64LE(header + 8));
    for (let at = from; bytes.readBigInt64LE(at) !== DT_NULL; at += 16)
      if (bytes.readBigInt64LE(at) === DT_DEBUG) bytes.writeBigInt64LE(DT_IGNORED, at);
  }
  await writeFile(path, bytes);
}
