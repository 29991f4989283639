# A server for tests: holds the lock of its database as a real one does, writes while it runs, ends on TERM.
# arguments: data, config, behaviour
use strict;
use Fcntl qw(:DEFAULT :flock);
use IO::Socket::INET;
my ($data, $config, $behaviour) = @ARGV;
$| = 1;
die "told to fail\n" if $behaviour eq 'fails';
open(my $lock, '>>', "$data/store/LOCK") or die "lock: $!";
my $whole = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);
fcntl($lock, F_SETLK, $whole) or die "locked by another\n";
open(my $wal, '>>', "$data/store/000004.log") or die "wal: $!";
open(my $table, '>>', "$data/store/000009.sst") or die "table: $!" if $behaviour eq 'flushes';
# an old release (by its path) that does not run on what a newer one has written
my $exe = readlink('/proc/self/exe');
if ($behaviour eq 'refuses') {
  die "newer data\n" if $exe =~ /v1\.0\.0/ && -e "$data/store/000010.sst";
  if ($exe =~ /v1\.1\.0/) { open(my $made, '>', "$data/store/000010.sst"); print $made 'new' }
}
my $listening;
if ($config =~ /port-(\d+)/) {
  $listening = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $1, Listen => 5, ReuseAddr => 1) or die "port: $!";
}
my $over = 0;
$SIG{TERM} = sub { $over = 1 } unless $behaviour eq 'dies';
$SIG{TERM} = 'IGNORE' if $behaviour eq 'hangs';
print "serving ", join(' ', map { "$_=$ENV{$_}" } sort keys %ENV), "\n";
until ($over) {
  syswrite($wal, "x");
  syswrite($table, "t" x 100) if $table;
  select(undef, undef, undef, 0.005);
}
print "shutdown: complete\n";
