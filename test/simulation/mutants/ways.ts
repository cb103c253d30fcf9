import type { Way } from './mutant.ts';

/** Which script leads to a planted mistake, by the mistake's name. The others are found by chance soon enough. */
export const WAYS: Readonly<Record<string, Way>> = {
  'a promise is not on disk when it is told': { script: 'disks are slow', members: 3 },
  'a promise for a lower epoch is accepted': { script: 'comes again after', members: 5 },
  'a member that hears the primary promises': { script: 'a takeover is abandoned', members: 3 },
  'a member promises what it follows already': { script: 'comes again after', members: 3 },
  'a wiped member votes': { script: 'a wiped member is asked', members: 3 },
  'lowering k: Postgres asks for less before it is published': {
    script: 'while the API is slow',
    members: 3,
  },
  'names are in effect when they are set': { script: 'reads the names late', members: 4 },
  'LSN is compared before epoch': { script: 'followed the old primary for longer', members: 5 },
  'a time-out is read as death': { script: 'by its own promise', members: 3 },
  'a promotion goes on in spite of a higher promise': { script: 'does not learn that it won', members: 3 },
  'walsenders that read the names late are not waited for': { script: 'reads the names late', members: 4 },
  'a proof of names that were set before goes on': { script: 'comes and goes', members: 3 },
  'names that somebody edited are not put back': { script: 'edits the names', members: 3 },
  'a member that gave its word acquires all the same': { script: 'gave their word', members: 3 },
  'the Lease is released before the target has everything': { script: 'loses its connection', members: 3 },
  'a superseded primary goes on': { script: 'from its peers alone', members: 3 },
  'a record below the floor is obeyed': { script: 'of an earlier epoch', members: 3 },
  'an older copy of the record of the same epoch is obeyed': { script: 'an older cohort', members: 3 },
  'a candidate that left the history of the best streams from it for ever': {
    script: 'left the history of a copy',
    members: 3,
  },
  'data is replaced by a record that was read long ago': { script: 'wakes up with an old view', members: 3 },
  'a primary repairs the record all alone': { script: 'all alone finds', members: 3 },
  'a repair asks only those who answer': { script: 'while one member is off', members: 3 },
  'a repaired record begins below what members promised': { script: 'that nobody followed', members: 3 },
  'F1: a candidate that caught up does not know its timeline': { script: 'it never followed', members: 3 },
  'F4: a primary fenced during its restart starts and stops for ever': {
    script: 'fenced while it restarts',
    members: 3,
  },
  'F5: a rebuilt record lets no diverged member come back': {
    script: 'left the history of the best',
    members: 3,
  },
  'F9: the cohort of an epoch that the holder gave itself is not maintained': {
    script: 'lost during a restart',
    members: 3,
  },
  'F11: what initdb made stays a standby under its own claim': { script: 'who ran initdb', members: 3 },
  'F14: a primary that may not repair asks the API no more': {
    script: 'while the API refuses',
    members: 3,
  },
  'F15: a settled record that is over is reason enough to rewind': {
    script: 'wakes up with an old view',
    members: 3,
  },
  'F17: the settled mark is waited for before members that promised more are answered': {
    script: 'second takeover',
    members: 3,
  },
  'F18: a winner that died before it settled may never lead again': { script: 'is not listed', members: 2 },
  'F8: a record older than one that was seen is obeyed': { script: 'of the moment before', members: 3 },
  'F19: a member that left the history of a primary that gave itself an epoch stays away': {
    script: 'lost during a restart',
    members: 3,
  },
};
