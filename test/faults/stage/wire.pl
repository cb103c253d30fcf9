# A cable that is slow and loses packets, between two Ethernet taps:
#   perl wire.pl TAP-A TAP-B DELAY-MS JITTER-MS LOSS
# Frames keep their order. Says "ready" once it carries; ends when its standard input does.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($name_a, $name_b, $delay, $jitter, $loss) = @ARGV;
my $TUNSETIFF = 0x400454ca;
my $TAP_WITHOUT_HEADER = 0x0002 | 0x1000;    # IFF_TAP | IFF_NO_PI, linux/if_tun.h

sub tap {
    my ($name) = @_;
    open(my $tap, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\n";
    ioctl($tap, $TUNSETIFF, pack('a16 s x22', $name, $TAP_WITHOUT_HEADER)) or die "$name: $!\n";
    return $tap;
}

my @taps = (tap($name_a), tap($name_b));
my @queues = ([], []);    # To the other end: [when, frame].
my @last = (0, 0);
$| = 1;
print "ready\n";

while (1) {
    my $now = time;
    my $wait = 1;
    for my $from (0, 1) {
        my $queue = $queues[$from];
        while (@$queue && $queue->[0][0] <= $now) {
            my $frame = shift(@$queue)->[1];
            syswrite($taps[1 - $from], $frame);    # A tap that is down loses it, as a cable would.
        }
        $wait = $queue->[0][0] - $now if @$queue && $queue->[0][0] - $now < $wait;
    }
    my $readable = '';
    vec($readable, fileno(STDIN), 1) = 1;
    vec($readable, fileno($_), 1) = 1 for @taps;
    select($readable, undef, undef, $wait) > 0 or next;
    exit 0 if vec($readable, fileno(STDIN), 1) && !sysread(STDIN, my $ignored, 4096);
    for my $from (0, 1) {
        next unless vec($readable, fileno($taps[$from]), 1);
        next unless sysread($taps[$from], my $frame, 65_536);
        next if rand() < $loss;
        my $when = time + ($delay + rand() * $jitter) / 1000;
        $when = $last[$from] if $when < $last[$from];
        $last[$from] = $when;
        push @{ $queues[$from] }, [$when, $frame];
    }
}
