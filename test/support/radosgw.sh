#!/bin/bash
# A real S3 server for tests: a throw-away single-node Ceph radosgw (1 mon + 1 osd + 1 rgw, no mgr), loopback only.
# `npm run test:s3` starts two of them; by hand:
#   radosgw.sh install                 apt-get install the packages (the only verb that installs)
#   radosgw.sh start  [dir] [port]     bring it up, create the test user, print env lines
#   radosgw.sh stop   [dir]            stop it (by recorded pid) and remove the store (KEEP=1 keeps it)
#   radosgw.sh status [dir]            pids, RSS, cpu seconds; rc 0 when all three are alive and HTTP answers
#   radosgw.sh env    [dir]            print the env lines again
# Each dir/port is an independent cluster, so any number can be up at once.
# Env: STORE=memstore|bluestore (memstore)  MEM_GB=8  BIND=127.0.0.1  MON_PORT=port+2000
#      S3_KEY / S3_SECRET (fixed test keys)  SHARDS=11  RGW_THREADS=128  KEEP=0
#      in a network namespace: BIND=10.77.0.10 (or BIND=0.0.0.0 PUBLIC_HOST=10.77.0.10) radosgw.sh start ...
#      tcp_nodelay=1 matters: without it every small GET costs 40 ms (Nagle + delayed ACK)
set -euo pipefail
VERB=${1:-}; DIR=${2:-${TMPDIR:-/tmp}/dray-test/rgw}; PORT=${3:-8101}
STORE=${STORE:-memstore}; MEM_GB=${MEM_GB:-8}; BIND=${BIND:-127.0.0.1}; SHARDS=${SHARDS:-11}
RGW_THREADS=${RGW_THREADS:-128}
S3_KEY=${S3_KEY:-TESTACCESSKEY0000000}; S3_SECRET=${S3_SECRET:-testsecretkey0000000000000000000000000000}
HOST=$BIND; [ "$BIND" != 0.0.0.0 ] || HOST=127.0.0.1; PUBLIC_HOST=${PUBLIC_HOST:-$HOST}
case $DIR in /*) ;; *) DIR=$PWD/$DIR;; esac
CONF=$DIR/ceph.conf
die(){ echo "radosgw.sh: $*" >&2; exit 1; }
alive(){ # name -> true when the recorded pid is alive and is still that program
  local f=$DIR/$1.pid p; [ -s "$f" ] || return 1; p=$(<"$f")
  [ -r "/proc/$p/cmdline" ] && tr '\0' ' ' <"/proc/$p/cmdline" | grep -qF -- "$CONF"; }
spawn(){ local name=$1; shift
  setsid nohup "$@" >>"$DIR/$name.out" 2>&1 </dev/null & echo $! >"$DIR/$name.pid"; }
wait_for(){ local what=$1 secs=$2; shift 2; local end=$((SECONDS+secs))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { tail -5 "$DIR"/*.out >&2 || true; die "timed out waiting for $what"; }; sleep 0.1; done; }
c(){ timeout 30 ceph -c "$CONF" --connect-timeout 10 "$@"; }
env_lines(){ . "$DIR/env"; cat "$DIR/env"; }
do_stop(){
  local n p i
  for n in rgw osd mon; do
    if alive $n; then p=$(<"$DIR/$n.pid"); kill -TERM "$p" 2>/dev/null || true
      # the stores are throw-away: no need to let the osd flush for long
      for i in $(seq 1 $([ $n = rgw ] && echo 50 || echo 20)); do alive $n || break; sleep 0.1; done
      alive $n && kill -KILL "$p" 2>/dev/null || true
    fi; rm -f "$DIR/$n.pid"
  done
  if [ "${KEEP:-0}" != 1 ] && [ -f "$DIR/.radosgw-throw-away" ]; then rm -rf "$DIR"; fi; }
case $VERB in
install)
  export DEBIAN_FRONTEND=noninteractive
  # policy-rc.d: do not let the packages start system daemons
  made=0; [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; made=1; }
  apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common; rc=$?
  [ $made = 1 ] && rm -f /usr/sbin/policy-rc.d; exit $rc;;
start)
  for b in monmaptool ceph-mon ceph-osd radosgw radosgw-admin ceph curl; do command -v $b >/dev/null || die "$b missing: run '$0 install' first"; done
  [ -e "$DIR" ] && [ ! -f "$DIR/.radosgw-throw-away" ] && [ -n "$(ls -A "$DIR")" ] && die "$DIR exists and is not ours"
  if alive rgw; then echo "already running" >&2; env_lines; exit 0; fi
  [ -f "$DIR/.radosgw-throw-away" ] && KEEP=0 do_stop
  MON_PORT=${MON_PORT:-$((PORT+2000))}
  for p in $PORT $MON_PORT; do ! (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || die "port $p in use"; done
  mkdir -p "$DIR/mon" "$DIR/osd" "$DIR/run" "$DIR/rgw"; : >"$DIR/.radosgw-throw-away"
  trap 'r=$?; if [ $r != 0 ]; then KEEP=1 do_stop; echo "start failed; logs kept in $DIR" >&2; fi' EXIT
  FSID=$(cat /proc/sys/kernel/random/uuid)
  cat >"$CONF" <<CF
[global]
fsid = $FSID
mon host = [v2:127.0.0.1:$MON_PORT/0]
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
mon warn on insecure global id reclaim = false
run dir = $DIR/run
admin socket = $DIR/run/\$name.\$pid.asok
keyring = $DIR/keyring
log file = $DIR/\$name.log
log to stderr = false
err to stderr = true
debug ms = 0/0
debug osd = 0/0
debug mon = 0/0
debug paxos = 0/0
debug rgw = 0/0
debug bluestore = 0/0
debug rocksdb = 0/0
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 2000
mon data avail crit = 0
mon data avail warn = 0
mon pg warn min per osd = 0
mon warn on pool no redundancy = false
[mon]
mon data = $DIR/mon
mon cluster log file = $DIR/cluster.log
paxos propose interval = 0.05
paxos min wait = 0.02
[osd]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd data = $DIR/osd
osd objectstore = $STORE
memstore device bytes = $((MEM_GB*1024*1024*1024))
memstore page set = false
bluestore block size = $((MEM_GB*1024*1024*1024))
bluestore block create = true
bluestore fsck on mount = false
osd memory target = 1073741824
osd crush update on start = false
osd class load list = *
osd class default list = *
osd max object name len = 2048
osd scrub load threshold = 0
osd scrub begin hour = 3
osd scrub end hour = 4
osd mclock profile = high_client_ops
osd op queue = wpq
[client.rgw]
rgw frontends = beast endpoint=$BIND:$PORT tcp_nodelay=1
rgw data = $DIR/rgw
keyring = $DIR/keyring
rgw thread pool size = $RGW_THREADS
rgw enable usage log = false
rgw enable ops log = false
rgw dynamic resharding = false
rgw override bucket index max shards = $SHARDS
rgw crypt require ssl = false
rgw run sync thread = false
rgw lifecycle work time = 03:00-04:00
rgw gc obj min wait = 60
rgw max put size = 5368709120
CF
  kr(){ ceph-authtool "$DIR/keyring" --gen-key "$@" >/dev/null; }
  : >"$DIR/keyring"; chmod 600 "$DIR/keyring"
  kr -n mon. --cap mon 'allow *'
  for n in client.admin client.rgw osd.0; do kr -n $n --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'; done
  ulimit -n 65536 2>/dev/null || true
  monmaptool --create --clobber --fsid "$FSID" --addv a "[v2:127.0.0.1:$MON_PORT/0]" --set-min-mon-release pacific "$DIR/monmap" >>"$DIR/mon.out" 2>&1
  ceph-mon -c "$CONF" -i a --mkfs --fsid "$FSID" --monmap "$DIR/monmap" --keyring "$DIR/keyring" >>"$DIR/mon.out" 2>&1
  spawn mon ceph-mon -f -c "$CONF" -i a
  OSD_UUID=$(cat /proc/sys/kernel/random/uuid)
  wait_for mon 30 c osd new "$OSD_UUID"
  ceph-osd -c "$CONF" -i 0 --mkfs --osd-uuid "$OSD_UUID" >>"$DIR/osd.out" 2>&1
  c osd crush add osd.0 1 root=default host=throw-away >/dev/null 2>&1
  spawn osd ceph-osd -f -c "$CONF" -i 0
  spawn rgw radosgw -f -c "$CONF" -n client.rgw
  wait_for "radosgw http" 45 curl -fsS -o /dev/null --max-time 2 "http://$HOST:$PORT/"
  timeout 60 radosgw-admin -c "$CONF" -n client.rgw user create --uid=test --display-name=test --access-key="$S3_KEY" --secret-key="$S3_SECRET" --max-buckets=0 >"$DIR/user.json" 2>>"$DIR/rgw.out"
  cat >"$DIR/env" <<E
export S3_ENDPOINT=http://$PUBLIC_HOST:$PORT
export AWS_ACCESS_KEY_ID=$S3_KEY
export AWS_SECRET_ACCESS_KEY=$S3_SECRET
export AWS_DEFAULT_REGION=us-east-1
export AWS_REGION=us-east-1
E
  env_lines;;
stop) do_stop;;
env) [ -f "$DIR/env" ] || die "not started in $DIR"; env_lines;;
status)
  ok=0
  for n in mon osd rgw; do
    if alive $n; then p=$(<"$DIR/$n.pid"); st=($(cut -d' ' -f14,15 "/proc/$p/stat" 2>/dev/null || echo 0 0))
      printf '%s pid=%s rss_mb=%s cpu_s=%s\n' $n "$p" "$(awk '/VmRSS/{print int($2/1024)}' "/proc/$p/status")" "$(awk -v t=$((st[0]+st[1])) 'BEGIN{printf "%.2f",t/100}')"
    else echo "$n down"; ok=1; fi; done
  [ $ok = 0 ] && { . "$DIR/env"; curl -fsS -o /dev/null --max-time 3 "$S3_ENDPOINT/" && echo "http ok $S3_ENDPOINT" || { echo "http down"; ok=1; }; }
  exit $ok;;
*) sed -n '2,14p' "$0"; exit 2;;
esac
