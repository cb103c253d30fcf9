/*
 * Changing the cohort, taken apart: one primary `p` in a settled epoch, three standbys, and a takeover that may come at
 * any moment. What is published, what synchronous_standby_names says, and what each walsender counts by are three
 * things. docs/model.md maps each step to the function of src/ha that it stands for.
 *
 * Assumptions
 *  - Each walsender takes up a new setting when it likes, but before it hears of WAL that it sent after that setting
 *    was in the postmaster (walsender.c, WalSndLoop: reload, then replies, then sending).
 *  - A commit is released by a walsender that hears of k flushes, by its own setting (syncrep.c, SyncRepReleaseWaiters).
 *  - A takeover is a swap on the record that its promises were counted under; the members that promised have ended
 *    their receivers for good.
 *  - What the cohort should be changes at any moment (members come, fall silent, settings change).
 *
 * Bounds (-D): COMMITS, CHANGES of what is wanted; with DISCONNECTS walsenders go and come; with TWO there are two standbys. With LATE_WRITES a swap whose sender gave it up (after a read that
 * did not show it) may land later, as long as nobody else's did.
 */
#ifndef COMMITS
#define COMMITS 2
#endif
#ifndef CHANGES
#define CHANGES 2
#endif

#define N 3
#define BIT(m) (1 << (m))
#define HAS(set, m) (((set) >> (m)) & 1)
#define COUNT(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1))
#define LESS(x, y) ((x) < (y) -> (x) : (y))
#define LEAST(x, y) ((x) > (y) -> (x) : (y))

/* Published in the record, in synchronous_standby_names, wanted: a set of standbys, and how many must have flushed. */
byte published = 3, publishedAcks = 1;
byte names = 3, acks = 1;
byte wanted = 3, wantedAcks = 1;

/* By walsender: the setting that it counts by, and what it heard flushed. 255: no such walsender. */
byte counts[N], countsAcks[N], heard[N];

/* By standby: the end of its WAL; whether it promised a takeover. One whose data is lost does neither any more. */
byte end[N];
bool promised[N];

byte written, acked;  /* by the primary; for clients */
byte commits = COMMITS, changes = CHANGES;
byte proof = 255;     /* the point that a proof under way waits for */
bool proven;          /* provenNames: the present names are in effect */
bool taken;           /* another member won */
byte takenAt;         /* the end of the winner's WAL */

bool late;            /* a publication that was given up, and may land */
byte lateSet, lateAcks;

byte i, j, n, set, k;
bool arrives, frozen;
inline zero() { i = 0; j = 0; n = 0; set = 0; k = 0 }

/* n: how many of a set have been heard to flush up to `upTo`. */
inline flushed(group, upTo)
{
  n = (HAS(group, 0) && heard[0] != 255 && heard[0] >= upTo -> 1 : 0) +
      (HAS(group, 1) && heard[1] != 255 && heard[1] >= upTo -> 1 : 0) +
      (HAS(group, 2) && heard[2] != 255 && heard[2] >= upTo -> 1 : 0)
}

/* ---- Postgres ---- */

inline commit()
{
  commits > 0 ->
  commits--; written++;
  printf("p: a client commits at %d\n", written)
}

inline receive(m)
{
  heard[m] != 255 && !promised[m] && end[m] < written ->
  end[m] = written;
  printf("%d: flushes %d\n", m, end[m])
}

/* The walsender takes up the setting. */
inline reload(m)
{
  heard[m] != 255 && (counts[m] != names || countsAcks[m] != acks) ->
  counts[m] = names; countsAcks[m] = acks;
  printf("p: the walsender of %d counts by ANY %d of %d\n", m, acks, names)
}

/* The reply is heard, and releases what it completes. What was sent after a setting is heard of under it. */
inline reply(m)
{
  heard[m] != 255 && heard[m] < end[m] ->
  heard[m] = end[m];
  if
  :: proof != 255 && heard[m] >= proof -> counts[m] = names; countsAcks[m] = acks
  :: else
  fi;
  if
  :: HAS(counts[m], m) && heard[m] > acked ->
    j = heard[m];
    do
    :: j <= acked -> break
    :: else ->
      flushed(counts[m], j);
      if
      :: n >= countsAcks[m] ->
        acked = j;
        printf("p: acknowledged up to %d\n", j);
        assert(!taken || acked <= takenAt);
        break
      :: else -> j--
      fi
    od
  :: else
  fi;
  zero()
}

inline disconnect(m)
{
  heard[m] != 255 ->
  heard[m] = 255; counts[m] = 0; countsAcks[m] = 0;
  printf("p: the walsender of %d is gone\n", m)
}

inline connect(m)
{
  heard[m] == 255 && !promised[m] ->
  heard[m] = 0; counts[m] = names; countsAcks[m] = acks;
  printf("p: %d connects\n", m)
}

/* ---- takeover ---- */

inline promise(m)
{
  !promised[m] ->
  promised[m] = 1;
  printf("%d: promises, its WAL ends at %d\n", m, end[m])
}

/* With n - k + 1 promises of the published cohort, the best of those that promised wins. */
inline win()
{
  !taken ->
  i = (promised[0] -> 1 : 0) + (promised[1] -> 2 : 0) + (promised[2] -> 4 : 0);
  if
  :: i > 0 && COUNT(published & i) >= LEAST(1, COUNT(published) - publishedAcks + 1) ->
    taken = 1; late = 0; lateSet = 0; lateAcks = 0;
    takenAt = (HAS(published, 0) && promised[0] -> end[0] : 0);
    takenAt = (HAS(published, 1) && promised[1] && end[1] > takenAt -> end[1] : takenAt);
    takenAt = (HAS(published, 2) && promised[2] && end[2] > takenAt -> end[2] : takenAt);
    printf("another member wins at %d under ANY %d of %d\n", takenAt, publishedAcks, published);
    assert(acked <= takenAt)
  :: else
  fi;
  zero()
}

/* ---- the primary's loop ---- */

/* What it should be changes: anything that leaves as many members as acks. */
inline want(members, some)
{
  changes > 0 && (wanted != members || wantedAcks != some) && COUNT(members) >= some ->
  changes--; wanted = members; wantedAcks = some;
  printf("p: wants ANY %d of %d\n", some, members)
}

inline setNames(members, some)
{
  names = members; acks = some; proven = 0; proof = 255;
  printf("p: sets ANY %d of %d\n", some, members)
}

/*
 * One compare-and-swap of the cohort. It is refused once another won; its reply may be lost, which the read after it
 * mends; or it was not done yet at that read, and may still be.
 */
inline publish(members, some)
{
  if
  :: !taken && arrives ->
    published = members; publishedAcks = some; late = 0; lateSet = 0; lateAcks = 0;
    printf("p: publishes ANY %d of %d\n", some, members)
#ifdef LATE_WRITES
  :: !taken && !arrives && !late ->
    late = 1; lateSet = members; lateAcks = some;
    printf("p: publishes ANY %d of %d, and is told nothing\n", some, members)
#endif
  :: else
  fi
}

/* A walsender that counted under the old setting, or counts under the new one, has not confirmed the point yet. */
#define LAGS(m) (HAS(published | names, m) && heard[m] != 255 && heard[m] < proof)
#define SOME_LAG (LAGS(0) || LAGS(1) || LAGS(2))

/* nextCohortStep, step for step. */
inline step(arrival)
{
  true ->
  arrives = arrival;
#ifdef FENCED_WRITES
  if
  :: late -> frozen = 1 /* until the version has moved on: see docs/model.md */
  :: else
  fi;
#endif
  /* claimsNoMore(published, effective) */
  n = COUNT(names & ~published);
  i = (acks > n -> acks - n : 0);
  set = published & wanted;
  if
  :: frozen -> skip
  :: !frozen && i < publishedAcks -> setNames(published, publishedAcks)
  :: !frozen && i >= publishedAcks ->
    /* The target: those that leave go first. */
    if
    :: COUNT(set) < COUNT(published) && COUNT(set) >= publishedAcks && COUNT(set) > 0 -> k = publishedAcks
    :: else -> set = wanted; k = wantedAcks
    fi;
    i = LESS(publishedAcks, k);
    if
#ifdef BROKEN_ADD_POSTGRES_FIRST
    :: (published & set) != set && (names != set || acks != k) -> setNames(set, k)
#endif
#ifdef BROKEN_LOWER_POSTGRES_FIRST
    :: k < publishedAcks && (names != set || acks != k) -> setNames(set, k)
#endif
#ifdef BROKEN_RAISE_PUBLISH_FIRST
    :: k > publishedAcks -> publish(set, k)
#endif
#ifdef BROKEN_REMOVE_PUBLISH_FIRST
    :: (published & set) != published && k == publishedAcks -> publish(set, k)
#endif
    :: else ->
      if
      :: (published | set) != published || i != publishedAcks -> publish((published | set), i)
      :: else ->
        if
        :: names != set || acks != k -> setNames(set, k)
        :: else ->
          if
          :: set == published && k == publishedAcks -> skip
#ifndef BROKEN_NO_PROOF
          :: !(set == published && k == publishedAcks) && !proven ->
            if
            :: proof == 255 -> written++; proof = written; printf("p: forces WAL up to %d\n", written)
            :: else ->
              flushed(names, proof);
              if
              :: n >= acks && !SOME_LAG -> proven = 1; proof = 255; printf("p: it is in effect\n")
              :: else
              fi
            fi
          :: !(set == published && k == publishedAcks) && proven -> publish(set, k)
#else
          :: else -> publish(set, k)
#endif
          fi
        fi
      fi
    fi
  fi;
  arrives = 0; frozen = 0;
  zero()
}
inline land()
{
  late ->
  published = lateSet; publishedAcks = lateAcks;
  late = 0; lateSet = 0; lateAcks = 0;
  printf("   the late swap lands: ANY %d of %d is published\n", publishedAcks, published)
}

/* A renewal, or any other write: what was sent on the version before can land no more. */
inline renew()
{
  late && !taken ->
  late = 0; lateSet = 0; lateAcks = 0;
  printf("p: renews\n")
}

#define EACH(act) \
  :: d_step { act(0) } \
  :: d_step { act(1) } \
  :: d_step { act(2) }

init
{
  d_step {
    counts[0] = 3; counts[1] = 3; countsAcks[0] = 1; countsAcks[1] = 1; counts[2] = 3; countsAcks[2] = 1;
#ifdef TWO
    heard[2] = 255; counts[2] = 0; countsAcks[2] = 0; promised[2] = 1
#endif
  }
  do
  :: d_step { commit() }
  EACH(receive)
  EACH(reload)
  EACH(reply)
#ifdef DISCONNECTS
  EACH(disconnect)
  EACH(connect)
#endif
  EACH(promise)
  :: d_step { win() }
  :: d_step { want(3, 1) } :: d_step { want(3, 2) } :: d_step { want(1, 1) }
#ifdef TWO
  :: d_step { want(2, 1) }
#else
  :: d_step { want(7, 1) } :: d_step { want(7, 2) } :: d_step { want(6, 1) }
#endif
  :: d_step { step(1) }
#ifdef LATE_WRITES
  :: d_step { step(0) }
  :: d_step { land() }
  :: d_step { renew() }
#endif
  od
}
