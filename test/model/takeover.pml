/*
 * Takeover: promise, recruit, choose, win, promote, epoch row, settle, follow, rewind, clone, the epoch that a holder
 * gives itself, the last settled primary's own win; with -DENDING the planned end, its release and its hand-over, and
 * the restart in place. docs/model.md maps each step to the function of src/ha that it stands for.
 *
 * Assumptions
 *  - A step is atomic where the agent's loop makes it so: a member carries out one decision or answers one promise at
 *    a time, and a promise, a floor and the end of the WAL receiver are on disk before anybody is told.
 *  - Time is not modelled: whatever a clock or a timer would delay may happen at once or never (suspicion, expiry,
 *    staggering, "it hears the primary", how long an announced end keeps others back). Safety may rest on none of it.
 *  - Reading the record is a step of its own (a member acts on what it won or followed until it reads again), every
 *    write is a compare-and-swap, its reply may be lost, and it may land long after its sender gave it up.
 *  - A rewind or clone is decided on a fresh record (FRESH_LOOK) and copies its source whole, or leaves nothing usable.
 *  - Postgres counts the reply of a standby only on the primary's own timeline and history; WAL that was sent is flushed.
 *  - A stopped member is one that does nothing: there is no state of its own for it, but in a planned end.
 *  - An acknowledgement is given as early as it can be: a later one is owed no more than an early one.
 *
 * Bounds (-D): K acks, MAXE epochs, MAXL entries of WAL, WIPES volumes lost. One write at a time is in flight that its
 * sender gave up; a request for a promise that is still under way when the record changes is lost. Members crash,
 * lose messages, recruit and give up as often as they like.
 *
 * With -DPROGRESS also this: once faults cease, all is well in the end (see there). docs/model.md says why so.
 */
#ifndef K
#define K 1
#endif
#ifndef MAXE
#define MAXE 3
#endif
#ifndef MAXL
#define MAXL 5
#endif
#ifndef WIPES
#define WIPES 0
#endif

#define N 3
#define NOBODY 15

/*
 * PROGRESS: at any moment the faults may cease (`calm`), and from then on every order of the steps that are left must end
 * in a primary that serves, settled, with everybody else streaming from it. No fairness is assumed but that something which can happen does:
 * a state without a step and a cycle are violations alike. A calm may go past the bounds of the faults, to these.
 */
#ifdef PROGRESS
bool calm;
#define EPOCHS (MAXE + 2)
#else
#define calm 0
#define EPOCHS MAXE
#endif

/* What a member's Postgres is. ENDED: shut down in order, its last record written, walsenders still sending. LOST: no data. */
#define STANDBY 0
#define PRIMARY 1
#define ENDED 2
#define LOST 3

/* Incarnations: a member's first is its number, its next its number plus N, and so on. Sets of them are bit masks. */
#if defined(PROGRESS) && WIPES > 0
#define SET short /* a clone more once all is calm */
#else
#define SET byte
#endif
#define ID(m) (inc[m] * N + m)
#define BIT(id) (1 << (id))
#define HAS(set, id) (((set) >> (id)) & 1)
#define COUNT(set) (COUNT3(set) + COUNT3((set) >> 3) + COUNT3((set) >> 6))
#define COUNT3(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1))
#define REP(p, m) rep[(p) * N + (m)]

/* The cluster record. Its holder: 0 released, 1 the process that won, 2 a process that is gone. */
byte rEpoch = 1, rPrimary = 0, rTimeline = 1, rHolder = 1;
byte sEpoch = 1, sPrimary = 0, sTimeline = 1; /* settled: its acks are K throughout */
SET sCohort = 6;
byte timelines = 1;                                        /* highestTimeline */
#ifdef ENDING
byte rEnding = NOBODY;
#endif

/* Beside PGDATA: survives everything but the loss of the volume. */
byte promised[N], floor[N], inc[N];

/* A member's WAL: its last timeline and its end; what the process remembers. */
byte state[N], timeline[N], end[N], follows[N];
SET names[N];
byte row[N];                /* of a primary: synchronous_standby_names, the end of its row until that is settled */
bool door[N];
byte holds[N], reserved[N]; /* the epoch that this process holds and renews; the timeline that it is to promote to */
byte rep[N * N];            /* by primary and standby: what Postgres heard the standby flush in this term */

/* A recruitment for the epoch that the candidate promised itself: whose promises are in. Empty: none is under way. */
SET granted[N];

/* A compare-and-swap whose sender gave up: may land as long as nobody else's did. */
#define NOTHING 0
#define WIN 1
#define SETTLE 2
byte late, lateBy, lateValue;
bool lateGone; /* the process that sent it is gone */

byte wipes = WIPES;

#ifdef PROGRESS
byte yielded; /* who withdrew in favour of a better one since the record changed */
#endif

/* Ghosts: how timelines forked, the epoch each was reserved for, up to where clients rely on each. */
byte parent[EPOCHS + 1], fork[EPOCHS + 1], reservedFor[EPOCHS + 1], acked[EPOCHS + 1];

/* Scratch of deterministic steps; zero between them. */
byte i, j, t, n;

inline zero() { i = 0; j = 0; t = 0; n = 0 }

/*
 * Everything up to (tl, upTo) lies in the history of timeline `into`, which ends at `limit`. Timeline 1 has no parent (0),
 * and no chain is longer than the numbers there are. An expression, so that a step which would do nothing cannot be taken.
 */
#define ON(t, tl, upTo) (parent[t] == (tl) && (upTo) <= fork[t])
#define WITHIN(tl, upTo, into, limit) \
  (((into) == (tl) && (upTo) <= (limit)) || ON(into, tl, upTo) || ON(parent[into], tl, upTo) || \
   ON(parent[parent[into]], tl, upTo) || ON(parent[parent[parent[into]]], tl, upTo))

/* How many of the names have flushed up to `upTo`, as Postgres heard. */
#define FLUSHED1(p, m, set, upTo) (m != p && HAS(set, ID(m)) && REP(p, m) >= (upTo) -> 1 : 0)
#define FLUSHED(p, set, upTo) (FLUSHED1(p, 0, set, upTo) + FLUSHED1(p, 1, set, upTo) + FLUSHED1(p, 2, set, upTo))

/* The epoch of this primary is one that it gave itself, on the timeline that was settled. */
#define BUMPED(p) (sPrimary == ID(p) && sTimeline == timeline[p])

/* A newer record: whoever decided on the version before can no longer write, and asks for every promise again. */
inline changed()
{
  late = NOTHING; lateBy = 0; lateValue = 0; lateGone = 0;
  granted[0] = 0; granted[1] = 0; granted[2] = 0;
#ifdef PROGRESS
  yielded = 0;
#endif
  assert(rEpoch <= EPOCHS && timelines <= EPOCHS)
}

inline noPrimaryAnyMore(m)
{
  door[m] = 0; names[m] = 0; row[m] = 0;
  REP(m, 0) = 0; REP(m, 1) = 0; REP(m, 2) = 0
}

/*
 * Rule 1: whoever wins, or settles, has all that was acknowledged; and what is acknowledged lies in the history of
 * the primary that the record names at that moment.
 */
inline nothingIsLost(into, limit)
{
  i = 1;
  do
  :: i > timelines -> break
  :: else ->
    if
    :: acked[i] > 0 -> assert(WITHIN(i, acked[i], into, limit))
    :: else
    fi;
    i++
  od
}

/* What Postgres releases once standbys have flushed it, as far as clients wrote it. */
inline acknowledge(p)
{
  j = end[p];
  do
  :: !door[p] || j <= acked[timeline[p]] -> break
  :: else ->
    if
    :: FLUSHED(p, names[p], j) >= K ->
      acked[timeline[p]] = j;
      printf("   acknowledged up to %d on timeline %d\n", j, timeline[p]);
      assert(WITHIN(timeline[p], j, rTimeline, 255));
      break
    :: else -> j--
    fi
  od;
  tidy(p)
}

/* Of what was heard only what can still change something is remembered: nothing below what is acknowledged, or the row. */
inline tidy(p)
{
  i = 0;
  do
  :: i == N -> break
  :: else ->
    if
    :: REP(p, i) > 1 && door[p] && REP(p, i) <= acked[timeline[p]] && REP(p, i) < row[p] -> REP(p, i) = 1
    :: REP(p, i) > 1 && door[p] && REP(p, i) <= acked[timeline[p]] && row[p] == 0 -> REP(p, i) = 1
    :: else
    fi;
    i++
  od
}

/* ---- Postgres ---- */

inline commit(p)
{
  !calm && state[p] == PRIMARY && door[p] && end[p] < MAXL ->
  end[p]++;
  printf("%d: a client commits at %d\n", p, end[p])
}

/* The next entry of the history of `p`, if it has one. */
inline receive(p, m)
{
  if
  :: end[m] < end[p] ->
    t = timeline[p];
    do
    :: t > 1 && fork[t] > end[m] -> t = parent[t]
    :: else -> break
    od;
    timeline[m] = t;
    end[m]++
  :: else
  fi
}

/* The standby receives and flushes the next entry, and its reply is heard. */
inline stream(p, m)
{
  (state[p] == PRIMARY || state[p] == ENDED) && state[m] == STANDBY && follows[m] == p && end[m] <= end[p] &&
  WITHIN(timeline[m], end[m], timeline[p], end[p]) &&
  (end[m] < end[p] || (timeline[m] == timeline[p] && state[p] == PRIMARY && REP(p, m) == 0)) ->
  receive(p, m);
  if
  :: timeline[m] == timeline[p] && state[p] == PRIMARY ->
    REP(p, m) = end[m];
    acknowledge(p)
  :: else
  fi;
  printf("%d: streams (timeline %d, %d) from %d\n", m, timeline[m], end[m], p);
  zero()
}

/* ---- faults ---- */

/* All that the process remembered is gone; what is on the volume is left. */
inline forgets(m)
{
  noPrimaryAnyMore(m);
  follows[m] = NOBODY; granted[m] = 0; holds[m] = 0; reserved[m] = 0;
  if
  :: late != NOTHING && lateBy == m -> lateGone = 1
  :: else
  fi;
  if
  :: rPrimary == ID(m) && rHolder == 1 -> rHolder = 2
  :: else
  fi
}

/* The pod, agent and Postgres. It comes back as a standby that follows nobody. */
inline podDies(m)
{
  !calm && state[m] != LOST && (state[m] != STANDBY || follows[m] != NOBODY || holds[m] != 0 || granted[m] != 0 || (late != NOTHING && lateBy == m && !lateGone)) ->
  forgets(m);
  state[m] = STANDBY;
#ifdef BROKEN_PROMISE_NOT_KEPT
  promised[m] = 0;
#endif
  printf("%d: the pod dies\n", m)
}

inline volumeIsLost(m)
{
  !calm && wipes > 0 && state[m] != LOST ->
  wipes--;
  forgets(m);
  state[m] = LOST; timeline[m] = 0; end[m] = 0; promised[m] = 0; floor[m] = 0;
  printf("%d: the volume is lost\n", m)
}

/* As often as there are numbers for its incarnations. */
#if WIPES > 0
#define MAY_BE_MADE_ANEW(m) (inc[m] < (calm -> 2 : 1))
#else
#define MAY_BE_MADE_ANEW(m) (inc[m] < 1)
#endif

/* Everything of a settled primary, into a new directory. */
inline clone(p, m)
{
  state[p] == PRIMARY && sEpoch == rEpoch && rPrimary == ID(p) && timeline[p] == rTimeline && state[m] == LOST && MAY_BE_MADE_ANEW(m) ->
#ifndef BROKEN_WIPED_VOTES
  inc[m]++;
#endif
  timeline[m] = timeline[p]; end[m] = end[p]; floor[m] = rEpoch; promised[m] = 0;
  state[m] = STANDBY; follows[m] = NOBODY;
  REP(0, m) = 0; REP(1, m) = 0; REP(2, m) = 0;
  printf("%d: cloned from %d as incarnation %d\n", m, p, ID(m))
}

/* ---- a standby ---- */

/*
 * Turns to the primary of a record, once its history holds all that this member has. A watch that lags shows the
 * record of a primary that runs still, though its epoch is over.
 */
inline follow(p, m, epoch, tl)
{
  p != m && state[m] == STANDBY && holds[m] == 0 &&
#ifndef BROKEN_PROMISE_FORGOTTEN
  promised[m] <= epoch &&
#endif
  floor[m] <= epoch && state[p] != LOST &&
  (follows[m] == p -> floor[m] < epoch :
   (state[p] == PRIMARY && timeline[p] == tl || state[p] == STANDBY && promised[p] >= epoch) &&
   WITHIN(timeline[m], end[m], timeline[p], end[p])) ->
  floor[m] = epoch;
  follows[m] = p;
  granted[m] = 0;
  printf("%d: follows %d in epoch %d\n", m, p, epoch)
}

inline followLate(p, m)
{
  !calm && state[p] == PRIMARY && holds[p] > 0 && holds[p] < rEpoch && state[m] == STANDBY && holds[m] == 0 &&
#ifndef BROKEN_PROMISE_FORGOTTEN
  promised[m] <= holds[p] &&
#endif
  floor[m] <= holds[p] && follows[m] != p && WITHIN(timeline[m], end[m], timeline[p], end[p]) ->
  floor[m] = holds[p]; follows[m] = p;
  granted[m] = 0;
  printf("%d: follows %d in epoch %d, which is over\n", m, p, holds[p])
}

/* It left the history of a settled primary. What it had is gone; it gives no promise before it has caught up. */
inline rewind(p, m)
{
  state[m] == STANDBY && state[p] == PRIMARY && rPrimary == ID(p) && timeline[p] == rTimeline &&
  sEpoch == rEpoch && floor[m] <= rEpoch && promised[m] <= rEpoch && rPrimary != ID(m) &&
  !WITHIN(timeline[m], end[m], timeline[p], end[p]) ->
  timeline[m] = timeline[p]; end[m] = end[p]; floor[m] = rEpoch;
  state[m] = STANDBY; follows[m] = NOBODY; holds[m] = 0; reserved[m] = 0;
  granted[m] = 0;
  printf("%d: rewound to %d\n", m, p)
}

/*
 * An unsettled primary could never settle without this member, which left its history: it is made anew. So it is for the
 * last settled one, on its timeline, which gave itself a higher epoch.
 */
#ifndef PROGRESS
#define MAY_RETURN (WIPES > 0)
#elif defined(RETURNS_EARLY)
#define MAY_RETURN 1
#else
#define MAY_RETURN calm
#endif
inline returnToUnsettled(p, m)
{
  MAY_RETURN && state[m] == STANDBY && MAY_BE_MADE_ANEW(m) && state[p] == PRIMARY && rPrimary == ID(p) && timeline[p] == rTimeline &&
  sEpoch < rEpoch && row[p] > 0 && floor[m] <= rEpoch && promised[m] <= rEpoch &&
  (BUMPED(p) || sTimeline != rTimeline && FLUSHED(p, names[p], 1) < K) &&
#ifdef BROKEN_NEVER_ASKED_BACK
  BUMPED(p) &&
#endif
  !WITHIN(timeline[m], end[m], timeline[p], end[p]) ->
#ifndef BROKEN_WIPED_VOTES
  inc[m]++;
#endif
  timeline[m] = timeline[p]; end[m] = end[p]; floor[m] = rEpoch; promised[m] = 0; follows[m] = NOBODY;
  holds[m] = 0; reserved[m] = 0;
  REP(0, m) = 0; REP(1, m) = 0; REP(2, m) = 0;
  granted[m] = 0;
  printf("%d: cloned from the unsettled %d as incarnation %d\n", m, p, ID(m))
}

/* j: the position of `m` is better than that of `x`. */
inline isBetter(m, x)
{
#ifdef BROKEN_LSN_FIRST
  j = (end[m] > end[x] || (end[m] == end[x] && reservedFor[timeline[m]] > reservedFor[timeline[x]]))
#else
  j = (reservedFor[timeline[m]] > reservedFor[timeline[x]] ||
       (reservedFor[timeline[m]] == reservedFor[timeline[x]] && end[m] > end[x]))
#endif
}

/* The epoch to win: above the record's, not below its own promise, nor (as far as known) below anybody's. */
#define MORE(x, y) ((x) > (y) -> (x) : (y))
#define NEXT(m, knows) \
  (knows -> MORE(rEpoch + 1, MORE(promised[0], MORE(promised[1], promised[2]))) : MORE(rEpoch + 1, promised[m]))

/*
 * Once all is calm: the process that the record names is up, and leads or is about to. Whoever hears that suspects nobody
 * and refuses to be recruited. Before that anybody may suspect anybody.
 */
#define HEARD1(m) (rPrimary == ID(m) && (state[m] == PRIMARY && holds[m] == rEpoch || TAKES_OFFICE(m)))
#define TAKES_OFFICE(m) (state[m] == STANDBY && promised[m] <= rEpoch && (holds[m] == rEpoch && reserved[m] > 0 || LEARNS(m)))
#define LEARNS(m) (rPrimary == ID(m) && rHolder == 1 && holds[m] != rEpoch && timeline[m] != rTimeline && sEpoch < rEpoch)
#define HEARD (calm && rHolder == 1 && (HEARD1(0) || HEARD1(1) || HEARD1(2)))

#ifdef BROKEN_TRIES_AGAIN_AT_ONCE
#define MAY_TRY_AGAIN(m) 1
#else
#define MAY_TRY_AGAIN(m) !(calm && HAS(yielded, m))
#endif

/* A direct GET, the own promise, the end of the own receiver. Who withdrew leaves it to the better one. */
inline recruit(m, knows)
{
  state[m] == STANDBY && granted[m] == 0 && (holds[m] == 0 || promised[m] > holds[m]) &&
  !(rPrimary == ID(m) && sPrimary == ID(m)) && !HEARD &&
#ifdef PROGRESS
  (!calm || knows) && MAY_TRY_AGAIN(m) &&
#endif
  (calm || NEXT(m, knows) <= MAXE) ->
  promised[m] = NEXT(m, knows); granted[m] = BIT(ID(m));
  follows[m] = NOBODY;
  holds[m] = 0; reserved[m] = 0;
  printf("%d: recruits for epoch %d\n", m, promised[m]);
  zero()
}

/* `m` is asked by `x`, promises, ends its receiver, answers. A candidate that is not the best withdraws. */
inline promise(m, x)
{
  granted[x] > 0 && state[m] == STANDBY && promised[x] > floor[m] &&
#ifdef BROKEN_PROMISE_BINDS_CANDIDATE
  promised[x] > promised[m] &&
#else
  promised[x] >= promised[m] &&
#endif
  !HEARD &&
  holds[m] == 0 && !HAS(granted[x], ID(m)) &&
  (HAS(sCohort, m) || HAS(sCohort, m + N) || HAS(sCohort, m + 2 * N) || sPrimary % N == m) ->
  if
  :: promised[m] < promised[x] -> granted[m] = 0
  :: else
  fi;
  promised[m] = promised[x];
#ifndef BROKEN_RECEIVER_LEFT
  follows[m] = NOBODY;
#endif
  isBetter(m, x);
  if
  :: j ->
    granted[x] = 0;
#ifdef PROGRESS
    if
    :: calm -> yielded = yielded | BIT(x)
    :: else
    fi
#endif
  :: else -> granted[x] = granted[x] | BIT(ID(m))
  fi;
  printf("%d: promises epoch %d to %d (its WAL ends at timeline %d, %d)\n", m, promised[m], x, timeline[m], end[m]);
  zero()
}

/* Somebody promised more than this candidate asks for: it is refused, and begins again above that. */
#define OUTBID(m) (promised[0] > promised[m] || promised[1] > promised[m] || promised[2] > promised[m])
inline abandon(m)
{
  granted[m] > 0 && (!calm || OUTBID(m)) ->
  granted[m] = 0;
  printf("%d: abandons its recruitment\n", m)
}

#ifdef BROKEN_QUORUM
#define NEEDED (COUNT(sCohort) - K)
#else
#define NEEDED (COUNT(sCohort) - K + 1)
#endif

/* The swap takes effect. `known`: its sender was told. */
inline wins(m, epoch, known)
{
  rEpoch = epoch; rPrimary = ID(m); rHolder = (!known && lateGone -> 2 : 1);
  timelines++;
  rTimeline = timelines; reservedFor[rTimeline] = epoch;
  /* It takes part in nothing older: where its WAL ends now is where its timeline will fork. */
  if
  :: state[m] != LOST ->
    parent[rTimeline] = timeline[m]; fork[rTimeline] = end[m];
    nothingIsLost(timeline[m], end[m])
  :: else ->
    /* A late swap of a member that is nobody any more: it never promotes, and is owed nothing. */
    parent[rTimeline] = timelines - 1; fork[rTimeline] = 255
  fi;
#ifdef ENDING
  rEnding = NOBODY;
#endif
#ifdef BROKEN_COHORT_AT_SWAP
  sCohort = (7 & ~BIT(m)); sPrimary = ID(m); sTimeline = rTimeline;
#endif
  if
  :: known -> holds[m] = rEpoch; reserved[m] = rTimeline
  :: else
  fi;
  changed()
}

inline win(m, arrives)
{
  granted[m] > 0 && state[m] == STANDBY && promised[m] > rEpoch && (arrives || late == NOTHING && !calm) &&
  (COUNT(granted[m] & sCohort) >= NEEDED || HAS(granted[m], sPrimary)) ->
  granted[m] = 0;
  if
  :: arrives -> wins(m, promised[m], 1); printf("%d: wins epoch %d\n", m, rEpoch)
  :: else ->
    late = WIN; lateBy = m; lateValue = promised[m];
    printf("%d: swaps to epoch %d, and is told nothing\n", m, promised[m])
  fi;
  zero()
}

/* The last settled primary came back as a standby, and the record names it still: its own promise suffices. */
inline winAgain(m, knows)
{
  state[m] == STANDBY && rPrimary == ID(m) && follows[m] == NOBODY && (calm || timelines < MAXE && NEXT(m, knows) <= MAXE) &&
#ifndef UNSETTLED_REGAINS
  sPrimary == ID(m) &&
#endif
#ifdef PROGRESS
  (!calm || knows) &&
#endif
#ifdef BROKEN_NEVER_REGAINS
  !calm &&
#endif
  !(holds[m] == rEpoch && reserved[m] > 0) ->
  j = NEXT(m, knows);
  promised[m] = j;
  granted[m] = 0;
  wins(m, j, 1);
  printf("%d: wins epoch %d by its own promise\n", m, rEpoch);
  zero()
}

inline unfollow(m)
{
  state[m] == STANDBY && rPrimary == ID(m) && sPrimary == ID(m) && follows[m] != NOBODY ->
  follows[m] = NOBODY
}

/* A read tells a member what a swap that it gave up for lost came to. */
inline learnWin(m)
{
  state[m] == STANDBY && LEARNS(m) ->
  holds[m] = rEpoch; reserved[m] = rTimeline;
  printf("%d: learns that it won epoch %d\n", m, rEpoch)
}

/* ---- a primary ---- */

/* Floor, door, names, promotion, and the epoch row as its first commit. `set`: who of the others is in the new cohort. */
inline promote(m, set)
{
  state[m] == STANDBY && reserved[m] > 0 && promised[m] <= holds[m] && (calm || end[m] < MAXL) && COUNT(set) >= K ->
  floor[m] = holds[m];
  state[m] = PRIMARY; follows[m] = NOBODY;
  assert(parent[reserved[m]] == timeline[m] && fork[reserved[m]] == end[m]);
  timeline[m] = reserved[m]; reserved[m] = 0;
  end[m]++;
  row[m] = end[m];
  names[m] = set;
  granted[m] = 0;
#ifdef BROKEN_DOOR_BEFORE_ROW
  door[m] = 1;
#endif
  printf("%d: promotes in epoch %d on timeline %d, forked at %d\n", m, holds[m], timeline[m], fork[timeline[m]])
}

/* The others, as who they are now. Any of them may be in a new cohort: who promised, who answers, who is only known. */
#define ALL (BIT(ID(0)) | BIT(ID(1)) | BIT(ID(2)))

/* The row waits: a standby that streams this history is counted in as well. */
inline widen(p, m)
{
  state[p] == PRIMARY && holds[p] > 0 && row[p] > 0 && !(sPrimary == ID(p) && sTimeline == timeline[p]) &&
  REP(p, m) > 0 && !HAS(names[p], ID(m)) ->
  names[p] = names[p] | BIT(ID(m));
  printf("%d: counts %d in\n", p, m)
}

/* The swap of `settle` takes effect. */
inline settles(p, set)
{
  sEpoch = rEpoch;
  if
  :: !BUMPED(p) ->
    sCohort = set; sPrimary = rPrimary; sTimeline = rTimeline;
    nothingIsLost(sTimeline, 255)
  :: else
  fi;
  changed()
}

/* Clients are let in: from here on everything that this primary holds is relied upon. */
inline opens(p)
{
  if
  :: !door[p] -> door[p] = 1; acked[timeline[p]] = row[p]
  :: else
  fi;
  row[p] = 0;
  tidy(p)
}

/* Only a running primary whose row is held, under the very record that it read. */
inline settle(p, arrives)
{
  state[p] == PRIMARY && holds[p] == rEpoch && rPrimary == ID(p) && sEpoch < rEpoch && promised[p] <= rEpoch && FLUSHED(p, names[p], row[p]) >= K &&
#ifdef LATE_SETTLE
  (arrives || late == NOTHING && !calm) ->
#else
  arrives ->
#endif
  if
  :: arrives ->
    settles(p, names[p]);
    opens(p);
    printf("%d: settles epoch %d\n", p, rEpoch)
  :: else ->
    late = SETTLE; lateBy = p; lateValue = names[p];
    printf("%d: swaps to settle epoch %d, and is told nothing\n", p, rEpoch)
  fi;
  zero()
}

inline learnSettled(p)
{
  state[p] == PRIMARY && holds[p] == rEpoch && rPrimary == ID(p) && sEpoch == rEpoch && row[p] > 0 ->
  opens(p);
  printf("%d: learns that epoch %d is settled\n", p, rEpoch);
  zero()
}

/* It reads that the record names another, or that a member followed a higher epoch: it stops, or gives up its win. */
inline deposed(p)
{
  holds[p] > 0 && (rPrimary != ID(p) || (state[p] == STANDBY && holds[p] != rEpoch)) ->
  if
  :: state[p] == PRIMARY -> state[p] = STANDBY; noPrimaryAnyMore(p)
  :: else
  fi;
  holds[p] = 0; reserved[p] = 0;
  printf("%d: is deposed\n", p)
}

/* A takeover was abandoned: the holder gives itself the epoch that members promised. */
inline bump(p)
{
  state[p] == PRIMARY && holds[p] == rEpoch && rPrimary == ID(p) && (calm || end[p] < MAXL) &&
#ifdef BROKEN_NEVER_BUMPS
  !calm &&
#endif
  (promised[0] > rEpoch || promised[1] > rEpoch || promised[2] > rEpoch) ->
  n = MORE(promised[0], MORE(promised[1], promised[2]));
  rEpoch = n; holds[p] = n; floor[p] = n;
  end[p]++; row[p] = end[p];
  changed();
  printf("%d: gives itself epoch %d\n", p, rEpoch);
  zero()
}

/* ---- the cohort, in one step each (cohort.pml takes them apart) ---- */

/*
 * In a settled epoch, and while one that the holder gave itself waits to be: its commits count under the published cohort,
 * and were that frozen, a member that is gone for good would hold it up for ever.
 */
#ifdef BROKEN_COHORT_FROZEN
#define COHORT_MAY_CHANGE(p) (sEpoch == rEpoch && row[p] == 0)
#else
#define COHORT_MAY_CHANGE(p) (sEpoch == rEpoch && row[p] == 0 || BUMPED(p))
#endif

inline addToCohort(p, m)
{
  state[p] == PRIMARY && holds[p] == rEpoch && rPrimary == ID(p) && COHORT_MAY_CHANGE(p) &&
  REP(p, m) > 0 && !HAS(sCohort, ID(m)) ->
  sCohort = sCohort | BIT(ID(m)); names[p] = sCohort;
  changed();
  acknowledge(p);
  printf("%d: adds %d to the cohort\n", p, ID(m));
  zero()
}

/* How many of a set have flushed all there is: Postgres heard it (and `tidy` may have forgotten), or hears it again now. */
#define CONFIRMS(p, m) \
  (REP(p, m) >= end[p] || REP(p, m) > 0 && state[m] == STANDBY && follows[m] == p && timeline[m] == timeline[p] && end[m] == end[p])
#define CONFIRMED1(p, m, set) (m != p && HAS(set, ID(m)) && CONFIRMS(p, m) -> 1 : 0)
#define CONFIRMED(p, set) (CONFIRMED1(p, 0, set) + CONFIRMED1(p, 1, set) + CONFIRMED1(p, 2, set))

inline dropFromCohort(p, id)
{
  state[p] == PRIMARY && holds[p] == rEpoch && rPrimary == ID(p) && COHORT_MAY_CHANGE(p) &&
  HAS(sCohort, id) && COUNT(sCohort) > K && (!calm || id != ID(0) && id != ID(1) && id != ID(2)) &&
  CONFIRMED(p, sCohort & ~BIT(id)) >= K ->
  sCohort = sCohort & ~BIT(id); names[p] = sCohort;
  changed();
  acknowledge(p);
  printf("%d: takes %d out of the cohort\n", p, id);
  zero()
}

/* ---- the API ---- */

inline land(m)
{
  late != NOTHING && lateBy == m ->
  j = lateValue;
  if
  :: late == WIN -> wins(m, j, 0); printf("   the swap of %d lands: epoch %d\n", m, rEpoch)
  :: late == SETTLE -> settles(m, j); printf("   the swap of %d lands: epoch %d is settled\n", m, rEpoch)
  fi;
  zero()
}

#ifdef PROGRESS
/* A swap that was sent in the bad times is nowhere any more. */
inline drop(m)
{
  calm && late != NOTHING && lateBy == m ->
  late = NOTHING; lateBy = 0; lateValue = 0; lateGone = 0
}

inline ceaseFaults()
{
  !calm ->
  calm = 1;
  printf("   from here on there are no faults\n")
}

/* What must come of it: a primary that serves, in a settled epoch, and everybody else streams all of it, and is counted. */
#define SERVES(p) \
  (state[p] == PRIMARY && rPrimary == ID(p) && rHolder == 1 && holds[p] == rEpoch && sEpoch == rEpoch && sTimeline == timeline[p] && \
   door[p] && row[p] == 0 && acked[timeline[p]] == end[p] && names[p] == sCohort && sCohort == (ALL & ~BIT(ID(p))))
#define STREAMS(p, m) \
  (p == m || state[m] == STANDBY && follows[m] == p && timeline[m] == timeline[p] && end[m] == end[p])
#define WELL_UNDER(p) (SERVES(p) && STREAMS(p, 0) && STREAMS(p, 1) && STREAMS(p, 2))
#define WELL (WELL_UNDER(0) || WELL_UNDER(1) || WELL_UNDER(2))

/* Not <>[] (!calm || WELL). An end without a step repeats itself for ever (stutter extension), so that it counts too. */
never {
wellYet:
  if
  :: calm && !WELL -> goto accept_ill
  :: else -> goto wellYet
  fi;
accept_ill:
  if
  :: calm && !WELL -> goto accept_ill
  :: else -> goto wellYet
  fi
}
#endif

#ifdef ENDING
/* ---- a planned end ---- */

inline announceEnd(p, m)
{
  !calm && state[p] == PRIMARY && row[p] == 0 && holds[p] == rEpoch && rPrimary == ID(p) && sEpoch == rEpoch && rEnding == NOBODY &&
  (m == p || REP(p, m) > 0) ->
  rEnding = ID(m);
  changed();
  printf("%d: hands over to %d\n", p, m)
}

/* Fast shutdown: backends are gone, nothing is acknowledged any more, the shutdown checkpoint is the last record. */
inline end_(p)
{
  state[p] == PRIMARY && rEnding != NOBODY && rPrimary == ID(p) && (calm || end[p] < MAXL) ->
  noPrimaryAnyMore(p);
  end[p]++;
  state[p] = ENDED;
  printf("%d: shuts down, its WAL ends at %d\n", p, end[p])
}

inline release(p, m)
{
  state[p] == ENDED && rPrimary == ID(p) && rHolder == 1 && rEnding == ID(m) && state[m] != LOST &&
#ifndef BROKEN_EARLY_RELEASE
  timeline[m] == rTimeline && end[m] >= end[p] ->
#else
  true ->
#endif
  rHolder = 0;
  changed();
  printf("%d: releases to %d\n", p, m);
  zero()
}

inline winByHandOver(m)
{
  state[m] == STANDBY && rEnding == ID(m) && rHolder == 0 && rPrimary != ID(m) &&
  (calm || timelines < MAXE && NEXT(m, 1) <= MAXE) ->
  j = NEXT(m, 1);
  promised[m] = j;
  granted[m] = 0;
  wins(m, j, 1);
  printf("%d: wins epoch %d, handed over\n", m, rEpoch);
  zero()
}

/* The target did not get everything: the old primary starts as a standby, and wins by its own promise. */
inline takeBack(p)
{
  state[p] == ENDED ->
  state[p] = STANDBY; reserved[p] = 0
}

/* After a clean shutdown: a new epoch on the same timeline. */
inline restartInPlace(p)
{
  state[p] == ENDED && rPrimary == ID(p) && sPrimary == ID(p) && sTimeline == rTimeline &&
  rEnding == ID(p) && rHolder == 1 && sEpoch == rEpoch && (calm || NEXT(p, 1) <= MAXE && end[p] < MAXL) ->
  n = NEXT(p, 1);
  rEpoch = n; rEnding = NOBODY; holds[p] = n; reserved[p] = rTimeline;
  changed();
  printf("%d: begins epoch %d on the timeline that it has\n", p, rEpoch);
  zero()
}

/* And then, by the record that it wrote, which may be over: the start as the primary that it was. */
inline startInPlace(p)
{
  state[p] == ENDED && reserved[p] == timeline[p] && promised[p] <= holds[p] ->
  floor[p] = holds[p]; reserved[p] = 0;
  state[p] = PRIMARY; names[p] = sCohort;
  end[p]++; row[p] = end[p];
  printf("%d: starts in place in epoch %d\n", p, holds[p])
}
#endif

#define PAIRS(step) \
  :: d_step { step(0, 1) } \
  :: d_step { step(0, 2) } \
  :: d_step { step(1, 0) } \
  :: d_step { step(1, 2) } \
  :: d_step { step(2, 0) } \
  :: d_step { step(2, 1) }
#define EACH(step) \
  :: d_step { step(0) } \
  :: d_step { step(1) } \
  :: d_step { step(2) }
#define EACH_ID(step, id) \
  :: d_step { step(0, id) } \
  :: d_step { step(1, id) } \
  :: d_step { step(2, id) }
#define EACH_OR(step) \
  :: d_step { step(0, 0) } \
  :: d_step { step(0, 1) } \
  :: d_step { step(1, 0) } \
  :: d_step { step(1, 1) } \
  :: d_step { step(2, 0) } \
  :: d_step { step(2, 1) }

init
{
  d_step {
    state[0] = PRIMARY; state[1] = STANDBY; state[2] = STANDBY;
    timeline[0] = 1; timeline[1] = 1; timeline[2] = 1;
    end[0] = 1; end[1] = 1; end[2] = 1; acked[1] = 1;
    floor[0] = 1; floor[1] = 1; floor[2] = 1;
    promised[0] = 1; promised[1] = 1; promised[2] = 1;
    follows[0] = NOBODY; follows[1] = 0; follows[2] = 0;
    holds[0] = 1; door[0] = 1; names[0] = sCohort;
    reservedFor[1] = 1
  }
  do
  EACH(commit)
  PAIRS(stream)
  EACH(podDies)
  EACH(volumeIsLost)
  PAIRS(clone)
  PAIRS(rewind)
  PAIRS(returnToUnsettled)
  EACH_OR(recruit)
  PAIRS(promise)
  EACH(abandon)
  EACH_OR(win)
  EACH_OR(winAgain)
  EACH(unfollow)
  EACH(learnWin)
  :: d_step { promote(0, (ALL & ~BIT(ID(0)))) } :: d_step { promote(0, BIT(ID(1))) } :: d_step { promote(0, BIT(ID(2))) }
  :: d_step { promote(1, (ALL & ~BIT(ID(1)))) } :: d_step { promote(1, BIT(ID(0))) } :: d_step { promote(1, BIT(ID(2))) }
  :: d_step { promote(2, (ALL & ~BIT(ID(2)))) } :: d_step { promote(2, BIT(ID(0))) } :: d_step { promote(2, BIT(ID(1))) }
  PAIRS(widen)
  EACH_OR(settle)
  EACH(learnSettled)
  EACH(deposed)
  EACH(bump)
  PAIRS(addToCohort)
  EACH_ID(dropFromCohort, 0) EACH_ID(dropFromCohort, 1) EACH_ID(dropFromCohort, 2)
#if WIPES > 0 || defined(PROGRESS)
  EACH_ID(dropFromCohort, 3) EACH_ID(dropFromCohort, 4) EACH_ID(dropFromCohort, 5)
#endif
#if WIPES > 0 && defined(PROGRESS)
  EACH_ID(dropFromCohort, 6) EACH_ID(dropFromCohort, 7) EACH_ID(dropFromCohort, 8)
#endif
  EACH(land)
#ifdef PROGRESS
  EACH(drop)
  :: d_step { ceaseFaults() }
#endif
  :: d_step { follow(rPrimary % N, 0, rEpoch, rTimeline) }
  :: d_step { follow(rPrimary % N, 1, rEpoch, rTimeline) }
  :: d_step { follow(rPrimary % N, 2, rEpoch, rTimeline) }
  PAIRS(followLate)
#ifdef ENDING
  PAIRS(announceEnd)
  :: d_step { announceEnd(0, 0) } :: d_step { announceEnd(1, 1) } :: d_step { announceEnd(2, 2) }
  EACH(end_)
  PAIRS(release)
  EACH(winByHandOver)
  EACH(restartInPlace)
  EACH(startInPlace)
  EACH(takeBack)
#endif
  od
}
