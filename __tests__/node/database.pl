# A server for tests: holds the lock of its database as a real one does, writes while it runs, ends on TERM.
# arguments: data, config, behaviour
use strict;
use Fcntl qw(:DEFAULT :flock);
my ($data, $config, $behaviour) = @ARGV;
$| = 1;
die "told to fail\n" if $behaviour eq 'fails';
open(my $lock, '>>', "$data/store/LOCK") or die "lock: $!";
my $whole = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);
fcntl($lock, F_SETLK, $whole) or die "locked by another\n";
open(my $wal, '>>', "$data/store/000004.log") or die "wal: $!";
open(my $table, '>>', "$data/store/000009.sst") or die "table: $!" if $behaviour eq 'flushes';
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
