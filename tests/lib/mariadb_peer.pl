#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# mariadb_peer.pl - a client of MariaDB that prepares statements and executes them in binary.
#
#   mariadb_peer.pl PORT COUNT    inserts COUNT customers by one prepared statement, then reads as many by another
use strict;
use warnings;
use DBI;

my ($port, $count) = @ARGV;
my $db = DBI->connect("DBI:MariaDB:database=shop;host=127.0.0.1;port=$port;mariadb_server_prepare=1;mariadb_ssl=0", "app", "harbour-Master-71",
	{ RaiseError => 1, PrintError => 0 });
my $insert = $db->prepare("INSERT INTO customers (id, email, card, born) VALUES (?, ?, ?, '1980-01-02')");
$insert->execute(1000 + $_, "binary$_\@harborline-logistics.com", "4111111111111111") for 1 .. $count;
my $select = $db->prepare("SELECT email, id, born, card FROM customers WHERE id = ?");
for my $i (1 .. $count) {
	$select->execute(1000 + $i);
	my @row = $select->fetchrow_array;
	die "not what was inserted: @row" unless $row[0] eq "binary$i\@harborline-logistics.com" && !$select->fetchrow_array;
}
undef $insert;
undef $select;
$db->disconnect;
