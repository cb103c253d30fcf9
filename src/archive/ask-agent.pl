# Asks pgwarden to archive or to fetch one file of WAL: what archive_command and restore_command run where their spool
# does not answer. Perl with nothing but what Debian's perl-base ships: it starts in a few milliseconds.
#
#   perl ask-agent.pl SOCKET push|fetch FILE FAULT
#
# Exit codes, as Postgres reads them: 0 done. push: 126 Postgres stops and is not to try again, 1 for everything else. fetch: 1 the archive has no such file; FAULT
# for everything else: over 125 it ends a recovery that must not end early, 1 lets a standby look elsewhere.
use strict;
use warnings;
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

use constant { PUSH_WITHIN => 90, AGENT_STARTS => 3, AGENT_AWAY => 60, LONGEST_ANSWER => 65_536 };

my ($path, $verb, $file, $fault) = @ARGV;
exit 1 unless defined $fault;
$SIG{PIPE} = 'IGNORE';

sub complain { print STDERR "pgwarden: @_\n" }

# An archive_command that hung would hold up the end of Postgres.
if ($verb eq 'push') {
  $SIG{ALRM} = sub { complain("no answer about $file within " . PUSH_WITHIN . ' s'); exit 1 };
  alarm PUSH_WITHIN;
}

# Status and text of the answer; nothing where there was none.
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
  return $answer =~ m{\AHTTP/1\.[01] ([0-9]{3})[^\n]*\n.*?\r?\n\r?\n(.*)\z}s;
}

my $until = time + ($verb eq 'push' ? AGENT_STARTS : AGENT_AWAY);
while (1) {
  my ($status, $text) = ask();
  if (defined $status) {
    exit 0 if $status == 200;
    exit 1 if $status == 404 && $verb eq 'fetch';
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
