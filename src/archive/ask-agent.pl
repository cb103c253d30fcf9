# Asks pgwarden to archive or to fetch one file of WAL: what archive_command and restore_command run where their spool
# does not answer. Perl with nothing but what Debian's perl-base ships: it starts in a few milliseconds.
#
#   perl ask-agent.pl SOCKET push|fetch FILE FAULT
#
# Exit codes, as Postgres reads them: 0 done. push: 126 Postgres stops and is not to try again, 1 for everything else.
# fetch: 1 the archive has no such file; FAULT for everything else: over 125 it ends a recovery that must not end early,
# 1 lets a standby look elsewhere. That a file is absent is said by a header that nobody sends by accident: a 404 alone is
# what any program says that does not know the path.
use strict;
use warnings;
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

use constant { PUSH_WITHIN => 90, STANDBY_WITHIN => 40, AGENT_STARTS => 3, AGENT_AWAY => 60, LONGEST_ANSWER => 65_536 };

my ($path, $verb, $file, $fault) = @ARGV;
exit 1 unless defined $fault;
$SIG{PIPE} = 'IGNORE';

sub complain { print STDERR "pgwarden: @_\n" }

# An archive_command that hung would hold up the end of Postgres, a standby's restore_command its promotion. A recovery
# waits for the store as long as it takes.
my $is_patient = $verb eq 'fetch' && $fault != 1;
if (!$is_patient) {
  my $within = $verb eq 'push' ? PUSH_WITHIN : STANDBY_WITHIN;
  $SIG{ALRM} = sub { complain("no answer about $file within $within s"); exit 1 };
  alarm $within;
}

# Status, headers and text of the answer; nothing where there was none.
sub ask {
  socket my $socket, AF_UNIX, SOCK_STREAM, 0 or return;
  connect $socket, pack_sockaddr_un($path) or return;
  my $request = "POST /v1/archive/$verb/$file HTTP/1.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  syswrite $socket, $request or return;
  my $answer = '';
  while (length $answer < LONGEST_ANSWER) {
    my $got = sysread $socket, $answer, 4096, length $answer;
    next if !defined $got && $!{EINTR};
    last unless $got;
  }
  return $answer =~ m{\AHTTP/1\.[01] ([0-9]{3})[^\n]*\n(.*?\r?\n)\r?\n(.*)\z}s;
}

my $patience = $verb eq 'push' ? AGENT_STARTS : $is_patient ? AGENT_AWAY : 0;
my $until = time + $patience;
while (1) {
  my ($status, $headers, $text) = ask();
  # The agent still tries: it answers before its server takes the connection for dead.
  if (defined $status && $status == 202) {
    $until = time + $patience;
    next if $is_patient;
  }
  if (defined $status) {
    exit 0 if $status == 200;
    exit 1 if $verb eq 'fetch' && $headers =~ /^x-pgwarden-wal: *absent\r?$/mi;
    $text =~ s/\s+/ /g;
    complain($text);
    exit 126 if $status == 410 && $verb eq 'push';
    exit($verb eq 'push' ? 1 : $fault);
  }
  # An agent that starts or is replaced is there soon; for a push Postgres asks again by itself.
  if (time >= $until) {
    complain("the agent does not answer at $path about $file");
    exit($verb eq 'push' ? 1 : $fault);
  }
  select undef, undef, undef, 0.2;
}
