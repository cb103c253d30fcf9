# The guard of one data directory: kills every process of it when the agent dies, freezes or overruns its deadline.
#
#   perl -e TEXT VOLUME DATA GUARD_AFTER_MS LOCK_WAIT_MS AGENT_PID
#
# Perl with nothing but what Debian's perl-base ships (no Time::HiRes, no POSIX: small, and on every image), so the
# clock is read by a system call. It forks nothing, and needs nothing of the agent to kill.
#
# From the agent, on standard input, one line each (times in milliseconds of CLOCK_MONOTONIC):
#   beat TIME              the agent's event loop was alive at TIME
#   deadline TIME|none     kill at TIME, unless another deadline comes before
#   release                stop guarding: end without killing
# To the agent, on standard output:
#   ready TIME OOM_SCORE_ADJ | taken CONTENT        holds the agents' lock, or who else does
#   pong TIME                                       answer to every second beat
#   killed REASON COUNT MS | stuck REASON COUNT MS  everything is gone and the lock free, or not yet
#
# CLOCK_MONOTONIC stands still while the machine is suspended: no deadline passes meanwhile.
use strict;
use warnings;
use Config ();
use Fcntl qw(:DEFAULT :flock);

use constant { TAKEN => 3, PAUSE_MS => 10, LONGEST_PAUSE_MS => 250, STUCK_EVERY_MS => 5_000, OWN_STALL_MS => 500 };
use constant LONGEST_INPUT => 65_536;

$SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE QUIT USR1 USR2 TSTP TTIN TTOU ALRM);

my ($volume, $data, $guard_after, $lock_wait, $agent) = @ARGV;
die "usage: VOLUME DATA GUARD_AFTER_MS LOCK_WAIT_MS AGENT_PID\n" unless defined $agent;
my $lock = "$volume/lock";
$0 = "pgwarden-guard $data";

# clock_gettime's number by architecture, 64-bit only (arch/*/entry/syscalls/syscall*.tbl of Linux).
my %CLOCK_GETTIME = (
  x86_64 => 228, aarch64 => 113, riscv64 => 113, loongarch64 => 113, powerpc64le => 246, s390x => 260,
);
my ($architecture) = $Config::Config{archname} =~ /^([^-]+)/;
my $clock_gettime = $CLOCK_GETTIME{$architecture} // die "no clock known for the architecture $architecture\n";
my $timespec = pack 'qq', 0, 0;

sub now {
  syscall($clock_gettime, 1, $timespec) == 0 or die "clock_gettime: $!\n";
  my ($seconds, $nanoseconds) = unpack 'qq', $timespec;
  return $seconds * 1000 + $nanoseconds / 1e6;
}

sub nonblocking {
  my ($handle) = @_;
  my $flags = fcntl($handle, F_GETFL, 0) or die "F_GETFL: $!\n";
  fcntl($handle, F_SETFL, $flags | O_NONBLOCK) or die "F_SETFL: $!\n";
}

# A frozen agent reads nothing: what does not fit the pipe is dropped, never waited for.
sub report { syswrite STDOUT, join(' ', @_) . "\n" }

# --- The agents' lock: one agent works in a directory -----------------------------------------------------------

sub read_line {
  my ($path) = @_;
  open my $file, '<', $path or return '';
  my $line = <$file> // '';
  chomp $line;
  return $line;
}

sub spare_from_oom {
  for my $score (-1000, -900, -500, -100) {
    # Only as low as a process that had CAP_SYS_RESOURCE once let it be (proc_pid_oom_score_adj(5)).
    next unless sysopen my $file, '/proc/self/oom_score_adj', O_WRONLY;
    last if syswrite $file, $score;
  }
  return read_line('/proc/self/oom_score_adj');
}

# A guard that is still killing for a dead agent holds the lock a little longer than that agent lived.
sub hold_agent_lock {
  my $path = "$volume/agent.lock";
  sysopen my $file, $path, O_RDWR | O_CREAT, 0600 or die "$path: $!\n";
  my $until = now() + $lock_wait;
  until (flock $file, LOCK_EX | LOCK_NB) {
    if (now() >= $until) {
      report('taken', read_line($path));
      exit TAKEN;
    }
    select undef, undef, undef, 0.02;
  }
  my ($s, $m, $h, $day, $month, $year) = gmtime;
  my $since = sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $year + 1900, $month + 1, $day, $h, $m, $s;
  my $host = read_line('/proc/sys/kernel/hostname');
  truncate $file, 0;
  syswrite $file, qq({"agent":$agent,"guard":$$,"host":"$host","since":"$since"}\n);
  return $file;
}

# --- Which processes are the directory's -------------------------------------------------------------------------

# Directories that were the data directory when this guard looked, by device and inode: one that was renamed is found
# too. Each is kept open, so that its inode number cannot become another directory's. It looks at its start and while
# it kills, never while it watches: a volume that hangs must not hold up the watch.
my @directories;

sub note_directory {
  my @now = stat $data or return;
  return if @directories && $directories[-1]{id} eq "$now[0]:$now[1]";
  opendir my $handle, $data or return;
  my @opened = stat $handle or return;
  push @directories, { id => "$opened[0]:$opened[1]", handle => $handle };
}

sub inode {
  my @status = stat $_[0];
  return @status ? "$status[0]:$status[1]" : '';
}

sub others {
  opendir my $proc, '/proc' or return;
  return grep { /^[0-9]+$/ && $_ != 1 && $_ != $$ && $_ != $agent } readdir $proc;
}

my $mounts = readlink('/proc/self/ns/mnt') // '';

# Another container's path may read the same: it counts only in the guard's own mount namespace.
sub sits_by_path {
  my ($pid) = @_;
  my $cwd = readlink("/proc/$pid/cwd") // return 0;
  return 0 unless $cwd eq $data || $cwd eq "$data (deleted)";
  return (readlink("/proc/$pid/ns/mnt") // '') eq $mounts;
}

sub sits_by_inode {
  my $id = inode("/proc/$_[0]/cwd");
  return $id ne '' && grep { $_->{id} eq $id } @directories;
}

# Every backend and every command of Postgres inherits the descriptor that the lock was taken on.
sub holds_lock {
  my ($pid, $id) = @_;
  opendir my $descriptors, "/proc/$pid/fd" or return 0;
  for my $number (readdir $descriptors) {
    my $path = readlink "/proc/$pid/fd/$number";
    next unless defined $path && $path =~ m{/lock(?: \(deleted\))?\z};
    return 1 if inode("/proc/$pid/fd/$number") eq $id;
  }
  return 0;
}

# Name, parent and terminal (fields 2, 4 and 7 of proc_pid_stat(5)).
sub status_of {
  my ($name, $rest) = read_line("/proc/$_[0]/stat") =~ /^[0-9]+ \((.*)\) (.*)/ or return ('', 0, 0);
  my (undef, $parent, undef, undef, $terminal) = split ' ', $rest;
  return ($name, $parent, $terminal);
}

# A person's shell that happens to stand in the directory: has a terminal, is not Postgres and nothing of its.
sub is_bystander {
  my ($pid) = @_;
  my ($name, undef, $terminal) = status_of($pid);
  return $terminal && $name ne 'postgres' && !holds_lock($pid, inode($lock));
}

my %killed;

# Parents first: the postmaster must not get to react to the death of a child.
sub strike {
  my %set = map { $_ => 1 } @_;
  my ($first, $then) = ([], []);
  push @{ $set{ (status_of($_))[1] } ? $then : $first }, $_ for @_;
  kill(9, $_) and $killed{$_} = 1 for @$first, @$then;
  return scalar @_;
}

# One round: kills what it finds; returns how many it found, -1 for none though the lock is held.
sub strike_all {
  # By path first: to look at a directory may hang, on a dead disk or network file system.
  my @others = others();
  my %near = map { $_ => 1 } grep { sits_by_path($_) } @others;
  my $found = strike(grep { !is_bystander($_) } keys %near);
  note_directory();
  $found += strike(grep { !$near{$_} && sits_by_inode($_) && !is_bystander($_) } @others);
  return $found if $found;
  return 0 if lock_is_free();
  my $id = inode($lock);
  return strike(grep { holds_lock($_, $id) } @others) || -1;
}

sub lock_is_free {
  sysopen my $file, $lock, O_RDONLY or return $!{ENOENT};
  # Shared: the agent asks as well, and neither must take the other for a process that is left.
  return flock $file, LOCK_SH | LOCK_NB;
}

# --- The watch ---------------------------------------------------------------------------------------------------

my $alive;       # the last proof of the agent's life
my $deadline;    # undef: none
my $spent = 0;   # killed already for this silence: nothing more until the agent beats again
my $beats = 0;
my ($ended, $released) = (0, 0);
my $killing;     # undef, or what is being done

sub begin {
  my ($reason) = @_;
  %killed = ();
  $killing = { reason => $reason, began => now(), next => 0, pause => PAUSE_MS, told => 0 };
  $deadline = undef;
  $spent = 1;
  # Its number may be another's by now.
  $agent = 0 if $reason eq 'eof';
}

sub continue_killing {
  my $left = strike_all();
  my $took = now() - $killing->{began};
  if ($left == 0) {
    report('killed', $killing->{reason}, scalar keys %killed, int $took);
    $killing = undef;
    return;
  }
  # A killed process needs a moment to go; one in uninterruptible sleep may need for ever.
  if ($took - $killing->{told} >= STUCK_EVERY_MS) {
    $killing->{told} = $took;
    report('stuck', $killing->{reason}, $left > 0 ? $left : 0, int $took);
  }
  $killing->{next} = now() + $killing->{pause};
  $killing->{pause} *= 1.2 if $took > 500 && $killing->{pause} < LONGEST_PAUSE_MS;
}

sub obey {
  my ($line) = @_;
  if ($line =~ /^beat ([0-9]+(?:\.[0-9]+)?)$/) {
    my $now = now();
    # A beat proves life when it was sent. One that lay in the pipe while the agent was frozen proves nothing of now.
    my $sent = $1 < $now ? $1 : $now;
    $alive = $sent if $sent > $alive;
    $spent = 0 if $now - $sent < $guard_after;
    report('pong', $1) if ++$beats % 2 == 0;
  } elsif ($line =~ /^deadline ([0-9]+(?:\.[0-9]+)?)$/) {
    $deadline = $1;
  } elsif ($line eq 'deadline none') {
    $deadline = undef;
  } elsif ($line eq 'release') {
    $released = 1;
  }
}

my $input = '';

sub listen_to_agent {
  my $got = sysread STDIN, $input, LONGEST_INPUT, length $input;
  if (!defined $got) {
    $ended = 1 unless $!{EAGAIN} || $!{EINTR};
    return;
  }
  $ended = 1 if $got == 0;
  obey($1) while $input =~ s/^([^\n]*)\n//;
  $input = '' if length $input > LONGEST_INPUT;
}

sub next_due {
  return $killing->{next} if $killing;
  my $due = $spent ? undef : $alive + $guard_after;
  return $due unless defined $deadline;
  return defined $due && $due < $deadline ? $due : $deadline;
}

nonblocking(\*STDIN);
nonblocking(\*STDOUT);
my $oom_score = spare_from_oom();
my $held = hold_agent_lock();
# A first look brings everything that killing needs into memory.
note_directory();
sits_by_path($_) || sits_by_inode($_) || holds_lock($_, '') for others();
$alive = now();
report('ready', $alive, $oom_score);

while (1) {
  my $now = now();
  my $due = next_due();
  my $wait = defined $due ? ($due > $now ? $due - $now : 0) : undef;
  my $readable = '';
  vec($readable, 0, 1) = 1 unless $ended;
  my $ready = select $readable, undef, undef, defined $wait ? $wait / 1000 + 0.0002 : undef;
  my $woke = now();
  # Was it the guard that stood still (a frozen container, a starved machine), the silence may be its own: the agent
  # gets its time anew. The deadline passes all the same.
  $alive = $woke if defined $wait && $woke - $now > $wait + OWN_STALL_MS && $alive < $woke;
  # What lies in the pipe is read before any judgement.
  listen_to_agent() if $ready > 0;

  unless ($killing) {
    exit 0 if $released;
    $now = now();
    if ($ended) { begin('eof') }
    elsif (defined $deadline && $now >= $deadline) { begin('deadline') }
    elsif (!$spent && $now - $alive >= $guard_after) { begin('silence') }
  }
  if ($killing && now() >= $killing->{next}) {
    continue_killing();
    exit 0 if !$killing && ($ended || $released);
  }
}
