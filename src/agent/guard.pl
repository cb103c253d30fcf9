# The guard: kills every process of a data directory when the agent dies, freezes, or overruns its deadline.
# Started by the agent (guard.ts) as `perl -e <this text> VOLUME DATA GUARD_AFTER_MS WAIT_MS AGENT_PID`; perl-base only.
# It reads lines from standard input: "beat <ms>", "deadline <ms>|none", "release", where <ms> is CLOCK_MONOTONIC; and
# writes "ready", "taken <agent>", "pong <ms>", "killed <reason> <processes> <ms>" to standard output.
# It holds the lock on VOLUME/agent.lock for its life: only one agent works on a volume.
use strict;
use warnings;
use Errno qw(EINTR EAGAIN);
use Fcntl qw(:flock O_RDWR O_CREAT F_GETFL F_SETFL O_NONBLOCK);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ( $volume, $data, $guard_after, $wait, $agent ) = @ARGV;
$0 = "pgwarden guard of $data";
$SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE QUIT USR1 USR2);
$| = 1;

# The kernel must not choose the guard first when memory runs out. Only root may go below its parent: best effort.
if ( open( my $score, '>', '/proc/self/oom_score_adj' ) ) { print $score '-900'; close($score); }

sub now { return clock_gettime(CLOCK_MONOTONIC) * 1000; }
sub pause { select( undef, undef, undef, $_[0] / 1000 ); return; }

sub agent_lock {
    sysopen( my $handle, "$volume/agent.lock", O_RDWR | O_CREAT, 0600 ) or die "cannot open $volume/agent.lock: $!\n";
    my $until = now() + $wait;
    until ( flock( $handle, LOCK_EX | LOCK_NB ) ) {
        if ( now() >= $until ) {
            my $owner = <$handle> // 'unknown';
            chomp $owner;
            print "taken $owner\n";
            exit 3;
        }
        pause(20);
    }
    truncate( $handle, 0 );
    seek( $handle, 0, 0 );
    syswrite( $handle, "$agent\n" );
    return $handle;
}

# Processes whose working directory is the data directory, by path or (where it was renamed under them) by inode.
sub processes {
    my @stat = stat($data);
    my $here = @stat ? "$stat[0]:$stat[1]" : '';
    my @found;
    opendir( my $proc, '/proc' ) or return;
    for my $pid ( grep { /^\d+$/ } readdir($proc) ) {
        next if $pid == $$ || $pid == 1 || $pid == $agent;
        my $cwd = readlink("/proc/$pid/cwd") // next;
        if ( $cwd ne $data && $cwd ne "$data (deleted)" ) {
            next unless $here;
            my @of = stat("/proc/$pid/cwd") or next;
            next if "$of[0]:$of[1]" ne $here;
        }
        push @found, $pid;
    }
    closedir($proc);
    return @found;
}

# Every process of Postgres inherits the descriptor of this lock: a free lock proves that none is left.
sub all_dead {
    sysopen( my $handle, "$volume/lock", O_RDWR | O_CREAT, 0600 ) or return 1;
    my $free = flock( $handle, LOCK_EX | LOCK_NB );
    close($handle);
    return $free;
}

sub postmaster {
    open( my $file, '<', "$data/postmaster.pid" ) or return 0;
    my $pid = <$file> // 0;
    close($file);
    return $pid =~ /^(\d+)/ ? $1 : 0;
}

sub kill_all {
    my ($reason) = @_;
    my $begun  = now();
    my $first  = postmaster();
    my $wait   = 5;
    my %killed;
    while (1) {
        my @pids = processes();
        # The postmaster first: it would start new processes.
        kill( 'KILL', $first ) if $first && grep { $_ == $first } @pids;
        for my $pid (@pids) { kill( 'KILL', $pid ); $killed{$pid} = 1; }
        last if !@pids && all_dead();
        # A process that no lock of ours knows and no directory shows cannot be ours to kill.
        last if !@pids && now() - $begun > 5000;
        pause($wait);
        $wait = $wait * 1.5 > 200 ? 200 : $wait * 1.5;
    }
    printf "killed %s %d %d\n", $reason, scalar( keys %killed ), now() - $begun;
    return;
}

my $lock = agent_lock();
my $flags = fcntl( STDIN, F_GETFL, 0 );
fcntl( STDIN, F_SETFL, $flags | O_NONBLOCK );
print "ready\n";

my $beat     = now();
my $deadline = undef;
my $buffer   = '';
my $dead     = 0;    # killed for silence: nothing more to kill until the agent beats again
while (1) {
    my $next = $dead ? now() + 60_000 : $beat + $guard_after;
    $next = $deadline if defined $deadline && $deadline < $next;
    my $left = $next - now();
    my $bits = '';
    vec( $bits, fileno(STDIN), 1 ) = 1;
    select( $bits, undef, undef, $left > 0 ? $left / 1000 : 0 );
    while (1) {
        my $read = sysread( STDIN, $buffer, 4096, length $buffer );
        if ( !defined $read ) { last if $! == EAGAIN || $! == EINTR; $read = 0; }
        if ( $read == 0 ) { kill_all('agent-died'); exit 0; }
    }
    my $now = now();
    while ( $buffer =~ s/^([^\n]*)\n// ) {
        my ( $word, $value ) = split / /, $1;
        if ( $word eq 'beat' ) {
            # A line that lay in the pipe of a frozen agent is no sign of life: its own time counts.
            next if $now - $value > $guard_after;
            $beat = $value if $value > $beat;
            $dead = 0;
            print "pong $value\n";
        }
        elsif ( $word eq 'deadline' ) { $deadline = $value eq 'none' ? undef : $value; }
        elsif ( $word eq 'release' ) { exit 0; }
    }
    if ( !$dead && $now - $beat >= $guard_after ) {
        kill_all('agent-silent');
        $dead     = 1;
        $deadline = undef;
    }
    elsif ( defined $deadline && $now >= $deadline ) {
        kill_all('deadline');
        $deadline = undef;
    }
}
