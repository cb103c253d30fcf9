import { chown, mkdir, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/**
 * A small disk of its own for one member: ext4 on a loop device. It can be filled, frozen (`fsfreeze`: every write and
 * fsync waits), and made to fail: after the shutdown of the filesystem every access gives EIO, and what was not
 * flushed is lost, as with a disk that vanished.
 */
export class Volume implements AsyncDisposable {
  readonly #mountPoint: string;
  readonly #image: string;

  private constructor(mountPoint: string, image: string) {
    this.#mountPoint = mountPoint;
    this.#image = image;
  }

  /** Puts it over an empty directory, with the directory's owner and mode. */
  static async mount(mountPoint: string, image: string, megabytes: number): Promise<Volume> {
    const { uid, gid } = await stat(mountPoint);
    await mkdir(dirname(image), { recursive: true });
    await writeFile(image, '');
    await truncate(image, megabytes * 1024 * 1024);
    await execa('mkfs.ext4', ['-q', '-m', '0', '-E', 'nodiscard', image]);
    const volume = new Volume(mountPoint, image);
    await volume.attach();
    await execa('rmdir', [join(mountPoint, 'lost+found')]);
    await chown(mountPoint, uid, gid);
    await execa('chmod', ['700', mountPoint]);
    return volume;
  }

  async attach(): Promise<void> {
    await execa('mount', ['-o', 'loop', this.#image, this.#mountPoint]);
  }

  /** Nobody may be in it any more. */
  async detach(): Promise<void> {
    await execa('umount', [this.#mountPoint]);
  }

  get #ballast(): string {
    return join(this.#mountPoint, 'ballast');
  }

  /** Takes all of the room but so many kilobytes. */
  async fill(leaveKilobytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#mountPoint);
    const bytes = bavail * bsize - leaveKilobytes * 1024;
    if (bytes > 0) await execa('fallocate', ['-l', String(bytes), this.#ballast]);
  }

  async empty(): Promise<void> {
    await execa('rm', ['-f', this.#ballast]);
  }

  async freeze(): Promise<void> {
    await execa('fsfreeze', ['--freeze', this.#mountPoint]);
  }

  async thaw(): Promise<void> {
    await execa('fsfreeze', ['--unfreeze', this.#mountPoint], { reject: false });
  }

  /** From now on every access fails with EIO, until it is mounted anew. */
  async fail(): Promise<void> {
    // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (ext4.h): `_IOR('X', 125, __u32)`.
    const shutdown =
      'open(my $d, "<", $ARGV[0]) or die "$!\\n"; my $how = pack("L", 2); ioctl($d, 0x8004587d, $how) or die "$!\\n"';
    await execa('perl', ['-e', shutdown, this.#mountPoint]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.thaw();
    await execa('umount', ['--lazy', this.#mountPoint], { reject: false });
  }
}
