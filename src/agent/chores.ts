import { isNewer } from '../ha/floor.ts';
import { memberIncarnation } from '../ha/member.ts';
import type { MemberRecord } from '../ha/record.ts';
import { elapsed, type Instant, instant, type Millis, millis } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { InstanceSample } from '../http/sample.ts';
import { Wakeup } from '../kubernetes/wakeup.ts';
import type { LocalInstance } from '../postgres/instance.ts';
import type { Context } from './context.ts';
import { leftMembers } from './left-members.ts';
import type { PeerTrust } from './peer-trust.ts';
import { RoleLabel } from './role-label.ts';
import type { SecretName, Secrets } from './secrets.ts';
import { roleOf } from './status.ts';

/** Pauses in milliseconds. */
const PACE = 5_000;
const SAMPLE = 10_000;
const BOUND = 10_000;
/** A silent member's pod is looked at no more often. */
const UNLABEL_AGAIN = 30_000;
/** A primary's slots are looked after so often: somebody may drop one. */
const SLOTS_AGAIN = 30_000;

export interface ChoresOptions {
  readonly context: Context;
  readonly instance: LocalInstance;
  readonly secrets: Secrets;
  readonly trust: PeerTrust;
  /** How others reach this member, whatever it holds. */
  readonly address: Omit<MemberRecord, 'incarnation' | 'systemIdentifier' | 'floor' | 'tags'>;
  view(): View | null;
}

/** What must be done now and then and decides nothing: labels, slots, member record, passwords, samples. */
export class Chores {
  readonly #options: ChoresOptions;
  readonly #wakeup = new Wakeup();
  readonly #unlabelled = new Map<string, Instant>();
  #written: string | null = null;
  readonly #label = new RoleLabel();
  #sample: { readonly value: InstanceSample; readonly at: number } | null = null;
  #checkpointed = 0;
  #slots: { readonly of: string; readonly at: Instant } = { of: '', at: instant(0) };
  /** Passwords that were exchanged, until the roles and conninfos have them. */
  readonly #newPasswords = new Set<SecretName>();
  #pendingRestart: readonly string[] = [];

  constructor(options: ChoresOptions) {
    this.#options = options;
  }

  /** Does them now. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Settings that wait for a restart of Postgres, as of the last round. */
  get pendingRestart(): readonly string[] {
    return this.#pendingRestart;
  }

  sample(): { readonly value: InstanceSample; readonly age: Millis } | null {
    if (this.#sample === null) return null;
    return { value: this.#sample.value, age: millis(this.#options.context.clock.now() - this.#sample.at) };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#options.trust.refresh();
      await this.#attempt('secrets', async () => {
        for (const name of this.#options.secrets.refresh())
          if (name !== 'token') this.#newPasswords.add(name);
      });
      const view = this.#options.view();
      if (view !== null) {
        await this.#attempt('seen record', () => this.#remember(view));
        await this.#attempt('member record', () => this.#announce(view));
        await this.#attempt('left members', () => this.#removeLeft(view));
        await this.#attempt('labels', () => this.#relabelPods(view));
        if (isSteady(view)) await this.#tend(view, signal);
        await this.#attempt('sample', () => this.#measure(signal));
      }
      await this.#wakeup.sleep(millis(PACE), signal);
    }
  }

  async #tend(view: View, signal: AbortSignal): Promise<void> {
    const { context, instance } = this.#options;
    const bound = () => AbortSignal.any([signal, AbortSignal.timeout(BOUND)]);
    const epoch = view.record.lastValid?.epoch ?? 0;
    if (roleOf(view) === 'primary' && this.#checkpointed !== epoch) {
      await this.#attempt('checkpoint', async () => {
        await instance.checkpoint(signal);
        this.#checkpointed = epoch;
        context.wake();
      });
    }
    await this.#attempt('slots', () => this.#syncSlots(view, bound()));
    await this.#attempt('foreign settings', async () => {
      const reverted = await instance.revertForeignSettings(bound());
      if (reverted.length > 0) {
        context.log.warn(
          { event: 'settings.reverted', names: reverted },
          `Changed behind the agent's back and reverted: ${reverted.join(', ')}`,
        );
      }
    });
    await this.#attempt('pending restart', async () => {
      this.#pendingRestart = await instance.pendingRestart(bound());
    });
    if (this.#newPasswords.size > 0) {
      await this.#attempt('passwords', async () => {
        const names = [...this.#newPasswords];
        await instance.rotatePasswords(bound());
        for (const name of names) this.#newPasswords.delete(name);
        context.log.info({ event: 'passwords.rotated', names }, `New passwords: ${names.join(', ')}`);
      });
    }
  }

  /**
   * A record that this member saw and has not followed is written down: after a restart it would take an older one for
   * the record. What it follows is in its floor.
   */
  async #remember(view: View): Promise<void> {
    const { instance } = this.#options;
    const { floor, clusterUID } = view.local;
    const { seen } = view.record;
    if (seen === null || seen.clusterUID !== clusterUID) return;
    const followed = floor === null ? null : { clusterUID, epoch: floor.epoch, revision: floor.revision };
    if (isNewer(seen, followed) && isNewer(seen, instance.seen)) await instance.writeSeen(seen);
  }

  async #syncSlots(view: View, signal: AbortSignal): Promise<void> {
    const identities = view.members
      .filter((member) => member.incarnation !== null && member.member !== view.self)
      .flatMap((member) =>
        member.incarnation === null ? [] : [memberIncarnation(member.member, member.incarnation)],
      )
      .sort();
    const key = `${view.local.server?.inRecovery}/${identities.join()}`;
    // On a standby slots are advanced each time; a primary's are advanced by who uses them, and may have been dropped.
    const { now } = view;
    const { server } = view.local;
    const lately = key === this.#slots.of && elapsed(this.#slots.at, now) < SLOTS_AGAIN;
    // Who streams without one may not be counted (`countsTwice`).
    const missed = server?.walsenders.some(
      (sender) => !sender.hasSlot && identities.some((identity) => identity === sender.identity),
    );
    if (server?.inRecovery === false && lately && missed !== true) return;
    await this.#options.instance.syncSlots(identities, signal);
    this.#slots = { of: key, at: now };
  }

  async #measure(signal: AbortSignal): Promise<void> {
    const now = this.#options.context.clock.now();
    if (this.#sample !== null && now - this.#sample.at < SAMPLE) return;
    const value = await this.#options.instance.sample(AbortSignal.any([signal, AbortSignal.timeout(BOUND)]));
    this.#sample = { value, at: now };
  }

  /** The member's own Lease, written when what it says changes. */
  async #announce(view: View): Promise<void> {
    const api = this.#options.context.api();
    if (api === null) return;
    const { local } = view;
    const identity = local.data === 'empty' ? null : local.identity;
    const record: MemberRecord = {
      ...this.#options.address,
      incarnation:
        identity === null
          ? null
          : (identity.slice(identity.lastIndexOf('-') + 1) as MemberRecord['incarnation']),
      systemIdentifier: local.systemIdentifier,
      floor: local.floor,
      tags: view.settings.tags,
    };
    const text = JSON.stringify(record);
    // Also where somebody deleted it: without it nobody asks this member for anything.
    if (text === this.#written && !this.#options.context.peers.isOwnRecordGone) return;
    await api.store.writeMember(record, millis(BOUND));
    this.#written = text;
  }

  /** Who was scaled away: its record goes, and by that its slot on every member. */
  async #removeLeft(view: View): Promise<void> {
    const { context } = this.#options;
    for (const member of leftMembers(view)) {
      await context.api()?.store.removeMember(member, millis(BOUND));
      context.log.info(
        { event: 'member.removed', left: member },
        `${member} is not expected any more and is gone: its record is removed`,
      );
    }
  }

  /** The new primary relabels the old one's pod too: its agent may be gone. */
  async #relabelPods(view: View): Promise<void> {
    const api = this.#options.context.api();
    if (api === null) return;
    const role = roleOf(view);
    const own = role === 'primary' && view.local.server?.doorOpen !== true ? 'none' : role;
    if (this.#label.isKept(own, view.now)) return;
    await api.announcer.labelRole(view.self, own);
    if (own !== 'primary') return;
    for (const peer of view.peers) {
      if (peer.last === 'answered' && peer.state !== null) continue;
      const { now } = view;
      if (elapsed(this.#unlabelled.get(peer.member) ?? null, now) < UNLABEL_AGAIN) continue;
      this.#unlabelled.set(peer.member, now);
      // What it says itself as soon as it is back is not to be undone: only the role that is this member's now.
      await api.announcer.unlabelPrimary(peer.member);
    }
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#options.context.log.warn(
        { event: 'chore.failed', chore: what, err: error },
        `${what}: ${message}`,
      );
    }
  }
}

/** It serves, and is not about to end. */
function isSteady(view: View): boolean {
  const { server, state } = view.local;
  if (server === null || view.wishes.shutdown || view.tasks.some((task) => task.outcome === 'running'))
    return false;
  return state === 'primary' || state === 'standby';
}
